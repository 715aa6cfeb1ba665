// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_host_commands: takes host commands, refuses bad ones, queues the others.
//
//   cmd_* --> [ command ] --> [ context ] --> [ sums ] --> [ checks ] --> answer_*: the first that
//                  contexts <-- SET_CONFIG                   |            failed
//                                                            \--> queues of work and transfers
//
// All checks are made when a command arrives, from the contexts and the commands that were
// accepted before, so that an answer does not depend on timing, except that of a full queue. What
// was accepted is not refused later, and ends once the RESULTs that it waits for were asked for.
// Addresses go into the queues: a context may change at once.
//
// Fields      docs/channel.md: opcodes, fields f0 ... f9, answers and their order
// Latency     5 cycles from a command to its answer, if it has one at once, or to its queue
// Throughput  1 command in 5 cycles, 6 with an answer at once
// Golden      aqpim::golden::Channel::check()   sw/golden/channel.h
module pq_host_commands #(
  parameter  int unsigned HeadDim        = 128,
  parameter  int unsigned SubDim         = 4,
  parameter  int unsigned CodeBits       = 8,
  parameter  int unsigned WordBits       = 256,
  parameter  int unsigned ScoreDepth     = 2048,
  parameter  int unsigned BiasDepth      = 256,
  parameter  int unsigned BanksPerEngine = 1,
  parameter  pq_pkg::memory_t Memory     = pq_pkg::DefaultMemory,
  parameter  int unsigned QueueDepth     = 4,
  localparam int unsigned Ranks          = Memory.Ranks
) (
  input  wire logic                                  clk_i,
  input  wire logic                                  rst_ni,
  input  wire logic                                  cmd_valid_i,
  output logic                                       cmd_ready_o,
  input  wire pq_pkg::host_command_t                 cmd_i,
  // Answers that are known at once
  output logic                                       answer_valid_o,   // held until answer_taken_i
  output pq_pkg::host_answer_t                       answer_o,
  input  wire logic                                  answer_taken_i,
  // Queues of each rank: work_t, transfer_t
  output logic      [Ranks-1:0]                      work_valid_o,
  output logic      [Ranks*pq_pkg::WorkBits-1:0]     work_o,
  input  wire logic [Ranks-1:0]                      work_take_i,
  output logic      [Ranks-1:0]                      transfer_valid_o,
  output logic      [Ranks*pq_pkg::TransferBits-1:0] transfer_o,
  input  wire logic [Ranks-1:0]                      transfer_take_i
);

  localparam int unsigned Banks         = Memory.BankGroups * Memory.BanksPerGroup;
  localparam int unsigned RowBits       = $clog2(Memory.Rows);
  localparam int unsigned BankBits      = $clog2(Banks);
  localparam int unsigned IndexBits     = $clog2(Memory.Columns) + BankBits;
  localparam int unsigned WordsPerBeat  = pq_pkg::words_per_beat(WordBits);
  localparam int unsigned CodeBeats     = pq_pkg::code_beats(HeadDim, SubDim, CodeBits);
  localparam int unsigned RowBeats      = Memory.Columns * BanksPerEngine;   // of an engine
  localparam int unsigned RankBeats     = Memory.Columns * Banks;
  localparam int unsigned TokensPerRow  = RowBeats / CodeBeats;
  localparam int unsigned TileRows      = pq_pkg::rows_of(ScoreDepth, TokensPerRow);
  localparam int unsigned TileBits      = $clog2(TileRows + 1);
  localparam int unsigned TokenBits     = pq_pkg::tokens_width(ScoreDepth);
  localparam int unsigned StreamBits    = TokenBits + 2;
  localparam int unsigned CodebookBeats = pq_pkg::codebook_beats(HeadDim, CodeBits);
  localparam int unsigned LocalRows     = pq_pkg::rows_of(CodebookBeats, RowBeats);
  localparam int unsigned StripedRows   = pq_pkg::rows_of(CodebookBeats, RankBeats);
  localparam int unsigned SliceWords    = pq_pkg::slice_words(CodeBits);
  localparam int unsigned WeightsWord   = WordBits / 8;
  localparam int unsigned BiasBeats     = BiasDepth / 16;
  localparam int unsigned Contexts      = 4;

  if (CodeBeats < 1 || CodeBeats > 2 || CodeBeats * pq_pkg::BeatBits != HeadDim / SubDim * CodeBits)
      begin : gen_bad_token
    $error("pq_channel: HeadDim / SubDim codes of CodeBits must fill one or two beats of 256 bits");
  end
  if (BanksPerEngine != 1 && (BanksPerEngine != 2 || WordsPerBeat != 1)) begin : gen_bad_pair
    $error("pq_channel: BanksPerEngine must be 1, or 2 with WordBits 256");
  end
  if (BiasBeats > 32) begin : gen_bad_bias_depth
    $error("pq_channel: BiasDepth must be at most 512");
  end
  if (Memory.Columns < 2 || (1 << $clog2(Memory.Columns)) != Memory.Columns || Banks < 2
      || (1 << BankBits) != Banks || (1 << RowBits) != Memory.Rows || RowBits > 16 || RowBits < 13
      || IndexBits > 15) begin : gen_bad_memory
    $error("pq_channel: Rows, Columns and Banks must be powers of two, Rows 8192 to 65536");
  end

  // ---- Command and its context ------------------------------------------------------------------

  typedef enum logic [2:0] {
    Take,
    Look,             // context and sums of fields
    Add,              // sums with the context
    Check,
    Decide,
    Answer
  } state_e;

  state_e                  state_q;
  pq_pkg::host_command_t   cmd_q;
  logic                    rank_legal;
  pq_pkg::config_fields_t  regions;      // the fields of cmd_q, as each opcode has them
  pq_pkg::access_fields_t  access;
  pq_pkg::query_fields_t   query;
  pq_pkg::vectors_fields_t vectors;
  pq_pkg::attend_fields_t  attend;
  pq_pkg::encode_fields_t  encode;
  pq_pkg::cluster_fields_t cluster;

  assign {regions, access, query, vectors, attend, encode, cluster} = {7{cmd_q.fields}};

  assign cmd_ready_o = state_q == Take;
  assign rank_legal  = Ranks == 2 || !cmd_q.rank;

  always_ff @(posedge clk_i) begin
    if (state_q == Take) cmd_q <= cmd_i;
  end

  logic unused_fields;
  assign unused_fields = ^{regions.f9, access.f4_to_f9, query.f2_to_f9, vectors.f1_to_f9,
                           attend.f4_to_f9, encode.f4_to_f9, cluster.f3_to_f9};

  // Regions: first row and rows. Rows of both sides of codebooks and of codes are the same.
  localparam int unsigned RegionBits  = RowBits + 1;
  localparam int unsigned ContextBits = 8 * RegionBits + TileBits;
  localparam int unsigned ContextIndexBits = $clog2(Ranks * Contexts);

  logic [ContextBits-1:0]    contexts_q [Ranks*Contexts];
  logic [Ranks*Contexts-1:0] known_q;
  logic [ContextBits-1:0]    context_entry_q, context_new;
  logic [TileBits-1:0]       window_new;
  logic [ContextIndexBits-1:0] context_index;
  logic                      known, configure;

  assign context_index = ContextIndexBits'({cmd_q.rank, cmd_q.place});
  // No tile has more rows than that: longer windows are the same.
  assign window_new    = regions.window_rows > 16'(TileRows) ? TileBits'(TileRows)
                                                             : TileBits'(regions.window_rows);
  assign context_new   = {RegionBits'(regions.raw_rows), RegionBits'(regions.raw), window_new,
                          RegionBits'(regions.code_rows), RegionBits'(regions.value_codes),
                          RegionBits'(regions.key_codes), RegionBits'(regions.book_rows),
                          RegionBits'(regions.value_book), RegionBits'(regions.key_book)};

  logic [RegionBits-1:0] key_book, value_book, book_rows, key_codes, value_codes, code_rows;
  logic [RegionBits-1:0] raw, raw_rows;
  logic [TileBits-1:0]   window_rows;

  assign {raw_rows, raw, window_rows, code_rows, value_codes, key_codes, book_rows, value_book,
          key_book} = context_entry_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)        known_q <= '0;
    else if (configure) known_q[context_index] <= 1'b1;
  end
  always_ff @(posedge clk_i) begin
    if (configure) contexts_q[context_index] <= context_new;
    if (state_q == Look) begin
      context_entry_q <= contexts_q[context_index];
      known           <= known_q[context_index];
    end
  end

  // ---- Sums -------------------------------------------------------------------------------------

  // Wide enough for what has a good shape: sums of other commands are not looked at. Rows of the
  // access are counted from its first one.
  logic [16:0] last_row_q, last_beat;
  logic [31:0] code_rows_q, window_begin, raw_rows_q;
  logic [2*TileBits-1:0] window_end, window_end_q;
  logic [31:0] books, books_q;
  logic [StreamBits-1:0] stream_tokens, stream_words, stream_beats;
  logic [15:0] stream_beats_q;
  logic        joint, whole_rank;
  pq_pkg::work_t work, work_q;
  logic [31:0] per_row_beats;

  assign whole_rank    = access.bank == 16'(Banks);
  assign per_row_beats = whole_rank ? RankBeats : Memory.Columns;
  assign stream_tokens = StreamBits'(TokenBits'(cluster.tokens));
  assign stream_words  = stream_tokens * StreamBits'(SliceWords)
                       + (stream_tokens + StreamBits'(WeightsWord - 1)) / StreamBits'(WeightsWord);
  assign stream_beats  = (stream_words + StreamBits'(WordsPerBeat - 1)) / StreamBits'(WordsPerBeat);
  assign last_beat     = 17'(access.first) + 17'(access.beats) - 17'd1;

  always_ff @(posedge clk_i) begin
    if (state_q == Look) begin
      last_row_q     <= 17'(access.row) + (whole_rank ? last_beat / 17'(RankBeats)
                                                      : last_beat / 17'(Memory.Columns));
      code_rows_q    <= (32'(attend.tokens) + 32'(TokensPerRow - 1)) / TokensPerRow;
      raw_rows_q     <= (32'(stream_beats) + 32'(RowBeats - 1)) / RowBeats;
      stream_beats_q <= 16'(stream_beats);
    end
  end

  assign joint      = window_rows == '0;
  assign window_end = (2 * TileBits)'(attend.windows[TileBits-1:0])
                    * (2 * TileBits)'(window_rows);

  always_ff @(posedge clk_i) begin
    if (state_q == Add) begin
      window_end_q   <= window_end;
      books_q        <= books;
      work_q         <= work;
    end
  end
  assign window_begin = 32'(window_end_q) - 32'(window_rows);

  // ---- Checks -----------------------------------------------------------------------------------

  function automatic logic holds(input logic [RegionBits-1:0] first,
                                  input logic [RegionBits-1:0] rows,
                                  input logic [15:0] from, input logic [16:0] to);
    holds = 32'(from) >= 32'(first) && 32'(to) < 32'(first) + 32'(rows);
  endfunction

  function automatic logic fits(input logic [15:0] first, input logic [15:0] rows);
    fits = 32'(first) + 32'(rows) <= Memory.Rows;
  endfunction

  logic        shape, address, code_full, order, pending, full;
  logic        is_work, is_transfer, is_attend;
  logic [15:0] first_book;
  logic [2*Ranks-1:0] asked_q;      // registers without a consumer: 0 none 1 query 2 control only
                                    // 3 vectors
  logic [2*Ranks-1:0] unread_q;     // results
  logic [1:0]  asked, unread;
  logic [Ranks-1:0] work_full, transfer_full;
  logic        rank;

  assign rank          = Ranks == 2 && cmd_q.rank;
  assign asked         = asked_q[2*rank +: 2];
  assign unread        = unread_q[2*rank +: 2];
  assign is_transfer   = cmd_q.opcode == pq_pkg::CmdSetQuery
                      || cmd_q.opcode == pq_pkg::CmdSetVectors || cmd_q.opcode == pq_pkg::CmdResult;
  assign is_work       = !is_transfer && cmd_q.opcode != pq_pkg::CmdSetConfig;
  assign full          = is_work ? work_full[rank] : is_transfer && transfer_full[rank];

  // ATTEND, ENCODE: the first window's codebook, and rows of codebooks up to that of the last
  assign is_attend  = cmd_q.opcode == pq_pkg::CmdAttend;
  assign first_book = is_attend ? attend.window : encode.window;
  assign books      = joint ? (32'(first_book) + 32'd1) * StripedRows
                    : (32'(first_book) + (is_attend ? 32'(attend.windows) : 32'd1)) * LocalRows;

  always_comb begin
    shape     = 1'b0;
    address   = 1'b0;
    code_full = 1'b0;
    order     = 1'b0;
    pending   = 1'b0;
    unique case (cmd_q.opcode)
      pq_pkg::CmdSetConfig: begin
        shape   = regions.book_rows == '0 || regions.code_rows == '0;
        address = !fits(regions.key_book, regions.book_rows)
               || !fits(regions.value_book, regions.book_rows)
               || !fits(regions.key_codes, regions.code_rows)
               || !fits(regions.value_codes, regions.code_rows)
               || !fits(regions.raw, regions.raw_rows);
      end
      pq_pkg::CmdWrite, pq_pkg::CmdRead: begin
        shape   = access.beats == '0 || access.bank > 16'(Banks)
               || 32'(access.first) >= per_row_beats;
        address = !holds(key_book, book_rows, access.row, last_row_q)
               && !holds(value_book, book_rows, access.row, last_row_q)
               && !holds(key_codes, code_rows, access.row, last_row_q)
               && !holds(value_codes, code_rows, access.row, last_row_q)
               && !holds(raw, raw_rows, access.row, last_row_q);
      end
      pq_pkg::CmdSetQuery: begin
        shape   = query.bias_beats > 16'(BiasBeats) || query.each > 16'd1;
        pending = asked != 2'd0;
      end
      pq_pkg::CmdSetVectors: begin
        shape   = vectors.vectors > 16'd1;
        pending = asked != 2'd0;
      end
      pq_pkg::CmdAttend: begin
        shape   = attend.tokens == '0 || attend.tokens > 16'(ScoreDepth) || attend.windows == '0
               || (joint ? attend.windows != 16'd1
                         : attend.windows > 16'(TileRows) || 32'(window_end_q) < code_rows_q
                           || window_begin >= code_rows_q);
        address = 32'(attend.row) + code_rows_q > 32'(code_rows) || books_q > 32'(book_rows);
        order   = asked != 2'd1;
        pending = unread == 2'd2;
      end
      pq_pkg::CmdResult: order = unread == 2'd0;
      pq_pkg::CmdEncode: begin
        shape     = encode.values > 16'd1 || encode.place >= 16'(TokensPerRow);
        code_full = 32'(encode.row) >= 32'(code_rows);
        address   = books_q > 32'(book_rows);
        order     = asked != 2'd3;
        pending   = unread != 2'd0;
      end
      default: begin
        shape   = cluster.values > 16'd1 || cluster.tokens == '0
               || cluster.tokens > 16'(ScoreDepth)
               || (pq_pkg::token_slots(CodeBits) == 2 && cluster.tokens[0]);
        address = 32'(cluster.row) + raw_rows_q > 32'(raw_rows);
        order   = !asked[1];
        pending = unread != 2'd0;
      end
    endcase
  end

  // The queue is looked at last: what is accepted goes there in the next cycle.
  logic       illegal_q, unknown_q, shape_q, address_q, code_full_q, order_q, pending_q;
  pq_pkg::answer_code_e code, code_q;

  always_ff @(posedge clk_i) begin
    if (state_q == Check) begin
      illegal_q   <= cmd_q.opcode > pq_pkg::CmdCluster || !rank_legal;
      unknown_q   <= is_work && !known;
      shape_q     <= shape;
      address_q   <= address;
      code_full_q <= code_full;
      order_q     <= order;
      pending_q   <= pending;
    end
  end

  always_comb begin
    if (illegal_q)        code = pq_pkg::AnswerIllegal;
    else if (full)        code = pq_pkg::AnswerQueueFull;
    else if (unknown_q)   code = pq_pkg::AnswerNotReady;
    else if (shape_q)     code = pq_pkg::AnswerShape;
    else if (code_full_q) code = pq_pkg::AnswerCodeFull;
    else if (address_q)   code = pq_pkg::AnswerAddress;
    else if (order_q)     code = pq_pkg::AnswerNotReady;
    else if (pending_q)   code = pq_pkg::AnswerPending;
    else                  code = pq_pkg::AnswerOk;
  end

  logic accepted;

  assign accepted  = state_q == Decide && code == pq_pkg::AnswerOk;
  assign configure = accepted && cmd_q.opcode == pq_pkg::CmdSetConfig;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Take;
    end else begin
      unique case (state_q)
        Take:    if (cmd_valid_i) state_q <= Look;
        Look:    state_q <= Add;
        Add:     state_q <= Check;
        Check:   state_q <= Decide;
        Decide:  state_q <= !accepted || configure ? Answer : Take;
        default: if (answer_taken_i) state_q <= Take;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == Decide) code_q <= code;
  end

  assign answer_valid_o = state_q == Answer;
  assign answer_o       = {cmd_q.tag, code_q};

  // ---- Queues -----------------------------------------------------------------------------------

  pq_pkg::transfer_t  transfer;
  logic [RowBits-1:0] row0, row1, row2, row3, book, window_step;

  // The window's codebook
  assign window_step = joint ? RowBits'(StripedRows) : RowBits'(LocalRows);
  assign book        = RowBits'(first_book) * window_step;

  always_comb begin
    row0       = RowBits'(access.row);
    {row1, row2, row3} = '0;
    work.kind  = pq_pkg::WorkCluster;
    work.count = access.beats;
    work.first = 16'(IndexBits'(access.first));
    unique case (cmd_q.opcode)
      pq_pkg::CmdWrite: work.kind = pq_pkg::WorkWrite;
      pq_pkg::CmdRead:  work.kind = pq_pkg::WorkRead;
      pq_pkg::CmdAttend: begin
        work.kind  = pq_pkg::WorkAttend;
        row0       = RowBits'(key_book) + book;
        row1       = RowBits'(value_book) + book;
        row2       = RowBits'(key_codes) + RowBits'(attend.row);
        row3       = RowBits'(value_codes) + RowBits'(attend.row);
        work.count = attend.tokens;
      end
      pq_pkg::CmdEncode: begin
        work.kind  = pq_pkg::WorkEncode;
        row0       = RowBits'(encode.values[0] ? value_book : key_book) + book;
        row1       = RowBits'(encode.values[0] ? value_codes : key_codes) + RowBits'(encode.row);
        work.first = 16'(IndexBits'(encode.place));
      end
      default: begin
        row0       = RowBits'(raw) + RowBits'(cluster.row);
        work.count = cluster.tokens;
      end
    endcase
    work.tag         = cmd_q.tag;
    work.joint       = joint;
    work.values      = encode.values[0];   // of CLUSTER likewise
    work.row0        = 16'(row0);
    work.row1        = 16'(row1);
    work.row2        = 16'(row2);
    work.row3        = 16'(row3);
    work.beats       = stream_beats_q;
    work.bank        = 16'((BankBits + 1)'(access.bank));
    work.window_rows = 16'(window_rows);
  end

  always_comb begin
    transfer.tag   = cmd_q.tag;
    transfer.beats = query.bias_beats[5:0];   // or vectors.vectors
    transfer.each  = query.each[0];
    unique case (cmd_q.opcode)
      pq_pkg::CmdSetQuery:   transfer.kind = pq_pkg::TransferQuery;
      pq_pkg::CmdSetVectors: transfer.kind = pq_pkg::TransferVectors;
      default:               transfer.kind = pq_pkg::TransferResult;
    endcase
  end

  for (genvar r = 0; r < Ranks; r++) begin : gen_rank
    logic here;
    assign here = accepted && rank == r[0];

    pq_queue #(.Depth(QueueDepth), .Width(pq_pkg::WorkBits)) u_work (
      .clk_i, .rst_ni, .push_i(here && is_work), .data_i(work_q), .full_o(work_full[r]),
      .pop_i(work_take_i[r]), .valid_o(work_valid_o[r]),
      .data_o(work_o[r*pq_pkg::WorkBits +: pq_pkg::WorkBits]));

    pq_queue #(.Depth(QueueDepth), .Width(pq_pkg::TransferBits)) u_transfers (
      .clk_i, .rst_ni, .push_i(here && is_transfer), .data_i(transfer), .full_o(transfer_full[r]),
      .pop_i(transfer_take_i[r]), .valid_o(transfer_valid_o[r]),
      .data_o(transfer_o[r*pq_pkg::TransferBits +: pq_pkg::TransferBits]));

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        asked_q[2*r +: 2]  <= 2'd0;
        unread_q[2*r +: 2] <= 2'd0;
      end else if (here) begin
        unique case (cmd_q.opcode)
          pq_pkg::CmdSetQuery:   asked_q[2*r +: 2] <= 2'd1;
          pq_pkg::CmdSetVectors: asked_q[2*r +: 2] <= {1'b1, vectors.vectors[0]};
          pq_pkg::CmdAttend, pq_pkg::CmdEncode, pq_pkg::CmdCluster: asked_q[2*r +: 2] <= 2'd0;
          default: ;
        endcase
        if (is_attend)                             unread_q[2*r +: 2] <= unread + 2'd1;
        else if (cmd_q.opcode == pq_pkg::CmdResult) unread_q[2*r +: 2] <= unread - 2'd1;
      end
    end
  end

endmodule

`default_nettype wire
