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
  parameter  int unsigned Ranks          = 2,
  parameter  int unsigned Banks          = 16,
  parameter  int unsigned Rows           = 16384,
  parameter  int unsigned Columns        = 32,
  parameter  int unsigned QueueDepth     = 4,
  localparam int unsigned RowBits        = $clog2(Rows),
  localparam int unsigned BankBits       = $clog2(Banks),
  localparam int unsigned IndexBits      = $clog2(Columns) + BankBits,
  localparam int unsigned WorkBits       = 8 + 3 + 2 + 5 * RowBits + 32 + IndexBits + BankBits + 1,
  localparam int unsigned TransferBits   = 8 + 2 + 6 + 1
) (
  input  wire logic                          clk_i,
  input  wire logic                          rst_ni,
  input  wire logic                          cmd_valid_i,
  output logic                               cmd_ready_o,
  input  wire logic [7:0]                    cmd_tag_i,
  input  wire logic [3:0]                    cmd_opcode_i,
  input  wire logic                          cmd_rank_i,
  input  wire logic [1:0]                    cmd_context_i,
  input  wire logic [159:0]                  cmd_fields_i,
  // Answers that are known at once
  output logic                               answer_valid_o,   // held until answer_taken_i
  output logic      [7:0]                    answer_tag_o,
  output logic      [3:0]                    answer_code_o,
  input  wire logic                          answer_taken_i,
  // Queues of each rank: {tag, kind, joint, values, rows 0 to 3, count, beats, first, bank,
  // window rows}; {tag, kind, beats, each}
  output logic      [Ranks-1:0]              work_valid_o,
  output logic      [Ranks*WorkBits-1:0]     work_o,
  input  wire logic [Ranks-1:0]              work_take_i,
  output logic      [Ranks-1:0]              transfer_valid_o,
  output logic      [Ranks*TransferBits-1:0] transfer_o,
  input  wire logic [Ranks-1:0]              transfer_take_i
);

  localparam int unsigned WordsPerBeat  = 256 / WordBits;
  localparam int unsigned Centroids     = 1 << CodeBits;
  localparam int unsigned CodeBeats     = HeadDim / SubDim * CodeBits / 256;
  localparam int unsigned TokensPerRow  = Columns * BanksPerEngine / CodeBeats;
  localparam int unsigned RowBeats      = Columns * BanksPerEngine;   // of an engine
  localparam int unsigned TileRows      = (ScoreDepth + TokensPerRow - 1) / TokensPerRow;
  localparam int unsigned TileBits      = $clog2(TileRows + 1);
  localparam int unsigned TokenBits     = $clog2(ScoreDepth + 1);
  localparam int unsigned StreamBits    = TokenBits + 2;
  localparam int unsigned CodebookBeats = Centroids * HeadDim / 32;
  localparam int unsigned LocalRows     = (CodebookBeats + RowBeats - 1) / RowBeats;
  localparam int unsigned StripedRows   = (CodebookBeats + Columns * Banks - 1) / (Columns * Banks);
  localparam int unsigned TokenSlots    = CodeBits / 4;
  localparam int unsigned SliceWords    = 2 / TokenSlots;
  localparam int unsigned WeightsWord   = WordBits / 8;
  localparam int unsigned BiasBeats     = BiasDepth / 16;
  localparam int unsigned Contexts      = 4;

  localparam logic [3:0] SetConfig  = 4'd0;
  localparam logic [3:0] Write      = 4'd1;
  localparam logic [3:0] Read       = 4'd2;
  localparam logic [3:0] SetQuery   = 4'd3;
  localparam logic [3:0] SetVectors = 4'd4;
  localparam logic [3:0] Attend     = 4'd5;
  localparam logic [3:0] Result     = 4'd6;
  localparam logic [3:0] Encode     = 4'd7;
  localparam logic [3:0] Cluster    = 4'd8;

  localparam logic [3:0] Ok        = 4'd0;
  localparam logic [3:0] Illegal   = 4'd1;
  localparam logic [3:0] QueueFull = 4'd2;
  localparam logic [3:0] Shape     = 4'd3;
  localparam logic [3:0] Address   = 4'd4;
  localparam logic [3:0] CodeFull  = 4'd5;
  localparam logic [3:0] NotReady  = 4'd6;
  localparam logic [3:0] Pending   = 4'd7;

  if (CodeBeats < 1 || CodeBeats > 2 || CodeBeats * 256 != HeadDim / SubDim * CodeBits)
      begin : gen_bad_token
    $error("pq_channel: HeadDim / SubDim codes of CodeBits must fill one or two beats of 256 bits");
  end
  if (BanksPerEngine != 1 && (BanksPerEngine != 2 || WordBits != 256)) begin : gen_bad_pair
    $error("pq_channel: BanksPerEngine must be 1, or 2 with WordBits 256");
  end
  if (BiasBeats > 32) begin : gen_bad_bias_depth
    $error("pq_channel: BiasDepth must be at most 512");
  end
  if (Columns < 2 || (1 << $clog2(Columns)) != Columns || Banks < 2 || (1 << BankBits) != Banks
      || (1 << RowBits) != Rows || RowBits > 16 || RowBits < 13 || IndexBits > 15)
      begin : gen_bad_memory
    $error("pq_channel: Rows, Columns and Banks must be powers of two, Rows 8192 to 65536");
  end

  // ---- Command and its context ------------------------------------------------------------------

  localparam logic [2:0] Take   = 3'd0;
  localparam logic [2:0] Look   = 3'd1;   // context and sums of fields
  localparam logic [2:0] Add    = 3'd2;   // sums with the context
  localparam logic [2:0] Check  = 3'd3;
  localparam logic [2:0] Decide = 3'd4;
  localparam logic [2:0] Answer = 3'd5;

  logic [2:0]  state_q;
  logic [1:0]  context_q;
  logic [7:0]  tag_q;
  logic [3:0]  opcode_q;
  logic        rank_q, rank_legal;
  logic [15:0] f0, f1, f2, f3, f4, f5, f6, f7, f8;
  logic [143:0] fields_q;

  assign {f8, f7, f6, f5, f4, f3, f2, f1, f0} = fields_q;
  assign cmd_ready_o = state_q == Take;
  assign rank_legal  = Ranks == 2 || !rank_q;

  logic unused_field;
  assign unused_field = ^cmd_fields_i[159:144];

  always_ff @(posedge clk_i) begin
    if (state_q == Take) begin
      tag_q     <= cmd_tag_i;
      opcode_q  <= cmd_opcode_i;
      rank_q    <= cmd_rank_i;
      context_q <= cmd_context_i;
      fields_q  <= cmd_fields_i[143:0];
    end
  end

  // Regions: first row and rows. Rows of both sides of codebooks and of codes are the same.
  localparam int unsigned RegionBits  = RowBits + 1;
  localparam int unsigned ContextBits = 8 * RegionBits + TileBits;
  localparam int unsigned ContextIndexBits = $clog2(Ranks * Contexts);

  logic [ContextBits-1:0]    contexts_q [Ranks*Contexts];
  logic [Ranks*Contexts-1:0] known_q;
  logic [ContextBits-1:0]    context_entry_q, context_new;
  logic [TileBits-1:0]       window_new;
  logic                      known;
  logic [ContextIndexBits-1:0] context_index;
  logic                      configure;

  assign context_index = ContextIndexBits'({rank_q, context_q});
  // No tile has more rows than that: longer windows are the same.
  assign window_new    = f6 > 16'(TileRows) ? TileBits'(TileRows) : TileBits'(f6);
  assign context_new   = {RegionBits'(f8), RegionBits'(f7), window_new, RegionBits'(f5),
                          RegionBits'(f4), RegionBits'(f3), RegionBits'(f2), RegionBits'(f1),
                          RegionBits'(f0)};

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
  logic [WorkBits-1:0] work, work_q;
  logic [31:0] per_row_beats;

  assign whole_rank    = f0 == 16'(Banks);
  assign per_row_beats = whole_rank ? 32'(Columns * Banks) : 32'(Columns);
  assign stream_tokens = StreamBits'(TokenBits'(f1));
  assign stream_words  = stream_tokens * StreamBits'(SliceWords)
                       + (stream_tokens + StreamBits'(WeightsWord - 1)) / StreamBits'(WeightsWord);
  assign stream_beats  = (stream_words + StreamBits'(WordsPerBeat - 1)) / StreamBits'(WordsPerBeat);
  assign last_beat     = 17'(f2) + 17'(f3) - 17'd1;

  always_ff @(posedge clk_i) begin
    if (state_q == Look) begin
      last_row_q     <= 17'(f1) + (whole_rank ? last_beat / 17'(Columns * Banks)
                                              : last_beat / 17'(Columns));
      code_rows_q    <= (32'(f0) + 32'(TokensPerRow - 1)) / TokensPerRow;
      raw_rows_q     <= (32'(stream_beats) + 32'(RowBeats - 1)) / RowBeats;
      stream_beats_q <= 16'(stream_beats);
    end
  end

  assign joint      = window_rows == '0;
  assign window_end = (2 * TileBits)'(f3[TileBits-1:0]) * (2 * TileBits)'(window_rows);

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
    fits = 32'(first) + 32'(rows) <= 32'(Rows);
  endfunction

  logic        shape, address, code_full, order, pending, full;
  logic        is_work, is_transfer;
  logic [15:0] first_book;
  logic [2*Ranks-1:0] asked_q;      // registers without a consumer: 0 none 1 query 2 control only
                                    // 3 vectors
  logic [2*Ranks-1:0] unread_q;     // results
  logic [1:0]  asked, unread;
  logic [Ranks-1:0] work_full, transfer_full;
  logic        rank;

  assign rank          = Ranks == 2 && rank_q;
  assign asked         = asked_q[2*rank +: 2];
  assign unread        = unread_q[2*rank +: 2];
  assign is_transfer   = opcode_q == SetQuery || opcode_q == SetVectors || opcode_q == Result;
  assign is_work       = !is_transfer && opcode_q != SetConfig;
  assign full          = is_work ? work_full[rank] : is_transfer && transfer_full[rank];

  // ATTEND, ENCODE: the first window's codebook, and rows of codebooks up to that of the last
  assign first_book   = opcode_q == Attend ? f2 : f1;
  assign books = joint ? (32'(first_book) + 32'd1) * StripedRows
                      : (32'(first_book) + (opcode_q == Attend ? 32'(f3) : 32'd1)) * LocalRows;

  always_comb begin
    shape     = 1'b0;
    address   = 1'b0;
    code_full = 1'b0;
    order     = 1'b0;
    pending   = 1'b0;
    unique case (opcode_q)
      SetConfig: begin
        shape   = f2 == '0 || f5 == '0;
        address = !fits(f0, f2) || !fits(f1, f2) || !fits(f3, f5) || !fits(f4, f5)
               || !fits(f7, f8);
      end
      Write, Read: begin
        shape   = f3 == '0 || f0 > 16'(Banks) || 32'(f2) >= per_row_beats;
        address = !holds(key_book, book_rows, f1, last_row_q)
               && !holds(value_book, book_rows, f1, last_row_q)
               && !holds(key_codes, code_rows, f1, last_row_q)
               && !holds(value_codes, code_rows, f1, last_row_q)
               && !holds(raw, raw_rows, f1, last_row_q);
      end
      SetQuery: begin
        shape   = f0 > 16'(BiasBeats) || f1 > 16'd1;
        pending = asked != 2'd0;
      end
      SetVectors: begin
        shape   = f0 > 16'd1;
        pending = asked != 2'd0;
      end
      Attend: begin
        shape   = f0 == '0 || f0 > 16'(ScoreDepth) || f3 == '0
               || (joint ? f3 != 16'd1
                         : f3 > 16'(TileRows) || 32'(window_end_q) < code_rows_q
                           || window_begin >= code_rows_q);
        address = 32'(f1) + code_rows_q > 32'(code_rows) || books_q > 32'(book_rows);
        order   = asked != 2'd1;
        pending = unread == 2'd2;
      end
      Result: order = unread == 2'd0;
      Encode: begin
        shape     = f0 > 16'd1 || f3 >= 16'(TokensPerRow);
        code_full = 32'(f2) >= 32'(code_rows);
        address   = books_q > 32'(book_rows);
        order     = asked != 2'd3;
        pending   = unread != 2'd0;
      end
      default: begin
        shape   = f0 > 16'd1 || f1 == '0 || f1 > 16'(ScoreDepth)
               || (TokenSlots == 2 && f1[0]);
        address = 32'(f2) + raw_rows_q > 32'(raw_rows);
        order   = !asked[1];
        pending = unread != 2'd0;
      end
    endcase
  end

  // The queue is looked at last: what is accepted goes there in the next cycle.
  logic       illegal_q, unknown_q, shape_q, address_q, code_full_q, order_q, pending_q;
  logic [3:0] code;

  always_ff @(posedge clk_i) begin
    if (state_q == Check) begin
      illegal_q   <= opcode_q > Cluster || !rank_legal;
      unknown_q   <= is_work && !known;
      shape_q     <= shape;
      address_q   <= address;
      code_full_q <= code_full;
      order_q     <= order;
      pending_q   <= pending;
    end
  end

  always_comb begin
    if (illegal_q)        code = Illegal;
    else if (full)        code = QueueFull;
    else if (unknown_q)   code = NotReady;
    else if (shape_q)     code = Shape;
    else if (code_full_q) code = CodeFull;
    else if (address_q)   code = Address;
    else if (order_q)     code = NotReady;
    else if (pending_q)   code = Pending;
    else                  code = Ok;
  end

  logic accepted;

  assign accepted  = state_q == Decide && code == Ok;
  assign configure = accepted && opcode_q == SetConfig;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Take;
    end else begin
      unique case (state_q)
        Take:    if (cmd_valid_i) state_q <= Look;
        Look:    state_q <= Add;
        Add:     state_q <= Check;
        Check:   state_q <= Decide;
        Decide:  state_q <= code != Ok || opcode_q == SetConfig ? Answer : Take;
        default: if (answer_taken_i) state_q <= Take;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == Decide) answer_code_o <= code;
  end

  assign answer_valid_o = state_q == Answer;
  assign answer_tag_o   = tag_q;

  // ---- Queues -----------------------------------------------------------------------------------

  logic [2:0]              kind;
  logic [RowBits-1:0]      row0, row1, row2, row3, book, window_step;
  logic [15:0]             count;
  logic [TransferBits-1:0] transfer;

  // The window's codebook
  assign window_step = joint ? RowBits'(StripedRows) : RowBits'(LocalRows);
  assign book        = RowBits'(first_book) * window_step;

  always_comb begin
    kind  = 3'(opcode_q == Write ? 0 : opcode_q == Read ? 1 : opcode_q == Attend ? 2
               : opcode_q == Encode ? 3 : 4);
    row0  = RowBits'(f1);
    row1  = '0;
    row2  = '0;
    row3  = '0;
    count = f3;
    unique case (opcode_q)
      Attend: begin
        row0  = RowBits'(key_book) + book;
        row1  = RowBits'(value_book) + book;
        row2  = RowBits'(key_codes) + RowBits'(f1);
        row3  = RowBits'(value_codes) + RowBits'(f1);
        count = f0;
      end
      Encode: begin
        row0 = RowBits'(f0[0] ? value_book : key_book) + book;
        row1 = RowBits'(f0[0] ? value_codes : key_codes) + RowBits'(f2);
      end
      Cluster: begin
        row0  = RowBits'(raw) + RowBits'(f2);
        count = f1;
      end
      default: ;
    endcase
  end

  assign work = {tag_q, kind, joint, f0[0], row0, row1, row2, row3, count, stream_beats_q,
                 opcode_q == Encode ? IndexBits'(f3) : IndexBits'(f2), (BankBits + 1)'(f0),
                 RowBits'(window_rows)};
  assign transfer = {tag_q, opcode_q == SetQuery ? 2'd0 : opcode_q == SetVectors ? 2'd1 : 2'd2,
                     f0[5:0], f1[0]};

  for (genvar r = 0; r < Ranks; r++) begin : gen_rank
    logic here;
    assign here = accepted && rank == r[0];

    pq_queue #(.Depth(QueueDepth), .Width(WorkBits)) u_work (
      .clk_i, .rst_ni, .push_i(here && is_work), .data_i(work_q), .full_o(work_full[r]),
      .pop_i(work_take_i[r]), .valid_o(work_valid_o[r]),
      .data_o(work_o[r*WorkBits +: WorkBits]));

    pq_queue #(.Depth(QueueDepth), .Width(TransferBits)) u_transfers (
      .clk_i, .rst_ni, .push_i(here && is_transfer), .data_i(transfer), .full_o(transfer_full[r]),
      .pop_i(transfer_take_i[r]), .valid_o(transfer_valid_o[r]),
      .data_o(transfer_o[r*TransferBits +: TransferBits]));

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        asked_q[2*r +: 2]  <= 2'd0;
        unread_q[2*r +: 2] <= 2'd0;
      end else if (here) begin
        unique case (opcode_q)
          SetQuery:   asked_q[2*r +: 2] <= 2'd1;
          SetVectors: asked_q[2*r +: 2] <= {1'b1, f0[0]};
          Attend, Encode, Cluster: asked_q[2*r +: 2] <= 2'd0;
          default: ;
        endcase
        if (opcode_q == Attend)      unread_q[2*r +: 2] <= unread_q[2*r +: 2] + 2'd1;
        else if (opcode_q == Result) unread_q[2*r +: 2] <= unread_q[2*r +: 2] - 2'd1;
      end
    end
  end

endmodule

`default_nettype wire
