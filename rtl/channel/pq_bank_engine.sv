// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_bank_engine: a pq_engine and what ties it to its banks and to the bus of its pseudo-channel,
// which move beats of 256 bits.
//
//   bank_data_i -+-> [ beat ] --words--> pq_engine --words--+--> [ low word ] -+--> write_data_o
//                |                        ^  ^              |                  |
//   bus_data_i --+---- register words ----/  |              \--> [ status ] ---+--> [ reg ]
//                |                           |                                        |
//                \--> [ tokens ] ---tokens--/                       read_data_o <-----/
//
// Streams     A beat is cut into WordsPerBeat words, the low one first. A word waits in the beat's
//             register until the engine takes it; what comes beyond the words of the operation is
//             dropped. So all engines of a rank can be given the beats of the one with most tokens
// Tokens      SCORE, ACCUMULATE and CLUSTER work on min(cmd_i.tokens, tokens - cmd_i.skip) tokens,
//             or none, where tokens are those of the TOKENS beat at the last LOAD or first SCORE:
//             a new beat may come while the tile is still worked on
// Reads       RESULT: a beat of result words; the last one is the status as STATUS has found it:
//             weight sum, maximum, and the flags at the first ACCUMULATE before, so that the next
//             tile may have been scored and be weighed since. RECORD: the next words of UNLOAD,
//             which has to run. STATUS and CODES answer nothing: they fill the status and
//             write_data_o, which lasts until the next read
// Latency     read_valid_i to read_valid_o: 6 + WordsPerBeat cycles; the engine is read 2 cycles
//             after read_valid_i, and takes a word of UNLOAD after 4. A beat of a stream to its
//             first word: 1 cycle; of registers: 0. A command starts in its own cycle
// Throughput  a beat of the stream, a beat of registers and a read every WordsPerBeat cycles, or
//             as fast as the engine takes words
// Golden      aqpim::golden::Channel   sw/golden/channel.h
module pq_bank_engine #(
  parameter  int unsigned HeadDim        = 128,
  parameter  int unsigned SubDim         = 4,
  parameter  int unsigned CodeBits       = 8,
  parameter  int unsigned WordBits       = 256,
  parameter  int unsigned QueryWidth     = 12,
  parameter  int unsigned EntryWidth     = 16,
  parameter  int unsigned ScoreWidth     = 16,
  parameter  int unsigned ScoreFraction  = 8,
  parameter  int unsigned ScoreDepth     = 2048,
  parameter  int unsigned BiasDepth      = 256,
  parameter  int unsigned WeightWidth    = 14,
  parameter  int unsigned Quantize       = 1,
  parameter  int unsigned BanksPerEngine = 1,
  localparam int unsigned BeatBits       = pq_pkg::BeatBits,
  localparam int unsigned TokensWidth    = $clog2(ScoreDepth + 1)
) (
  input  wire logic                               clk_i,
  input  wire logic                               rst_ni,
  input  wire logic [3:0]                         index_i,         // of the engine: a constant
  // Commands; only when ready_o is high
  input  wire logic                               cmd_valid_i,
  input  wire pq_pkg::engine_command_t            cmd_i,
  output logic                                    ready_o,         // idle, and no words wait
  // Stream from the bank, or from one of two
  input  wire logic                               bank_take_i,
  input  wire logic                               bank_odd_i,      // from the second one
  input  wire logic [BanksPerEngine*BeatBits-1:0] bank_data_i,
  // Bus: stream, registers
  input  wire logic                               bus_valid_i,
  input  wire pq_pkg::engine_write_t              bus_beat_i,
  input  wire logic [BeatBits-1:0]                bus_data_i,
  // Reads
  input  wire logic                               read_valid_i,
  input  wire pq_pkg::engine_read_t               read_beat_i,
  output logic                                    read_valid_o,
  output logic      [BeatBits-1:0]                read_data_o,     // zero if not valid
  // To the banks: the beat of codes read last
  output logic      [BeatBits-1:0]                write_data_o,
  output logic                                    write_enable_o,  // this engine has tokens
  output logic                                    error_o          // pulse: a beat, a command or
                                                                    // a read at a wrong time
);

  localparam int unsigned WordsPerBeat  = BeatBits / WordBits;
  localparam int unsigned CentroidWords = HeadDim * 8 / WordBits;
  localparam int unsigned OutputWords   = 5 * CentroidWords;        // of 40 bits each
  localparam int unsigned ResultBeats   = OutputWords / WordsPerBeat + 1;
  localparam int unsigned CodesBits     = HeadDim / SubDim * CodeBits;

  // Legal parameters
  if (WordBits != 128 && WordBits != 256) begin : gen_bad_word_bits
    $error("pq_bank_engine: WordBits must be 128 or 256");
  end
  if (CodesBits % BeatBits != 0) begin : gen_bad_codes
    $error("pq_bank_engine: HeadDim / SubDim codes of CodeBits must fill one or more beats");
  end
  if (BiasDepth > 512) begin : gen_bad_bias_depth
    $error("pq_bank_engine: BiasDepth must be at most 512");
  end
  if (Quantize != 1) begin : gen_bad_quantize
    $error("pq_bank_engine: Quantize must be 1");
  end
  if (BanksPerEngine != 1 && (BanksPerEngine != 2 || WordBits != BeatBits)) begin : gen_bad_banks
    $error("pq_bank_engine: BanksPerEngine must be 1, or 2 with WordBits 256");
  end

  logic                   engine_ready, engine_error, cmd_take;
  logic                   word_valid, stream_open, words_left;
  logic                   reg_valid, reg_locked;
  pq_pkg::register_select_e reg_select;
  logic [7:0]             reg_index;
  logic [WordBits-1:0]    reg_data;
  logic                   fetch, strobe;   // the engine is read; gets a word of UNLOAD
  logic [8:0]             fetch_word_q;
  logic                   result_valid;
  logic [WordBits-1:0]    result;
  logic [4:0]             flags;
  logic                   overrun, reg_overrun, unanswered;

  // ---- Tokens and commands ----------------------------------------------------------------------

  logic                   first_score;
  logic [15:0]            tokens_q, active_q, tokens, left;
  logic [TokensWidth-1:0] cmd_tokens;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      tokens_q <= '0;
      active_q <= '0;
    end else begin
      if (bus_valid_i && bus_beat_i.kind == pq_pkg::BusTokens) begin
        tokens_q <= bus_data_i[32'(index_i)*16 +: 16];
      end
      if (cmd_take && (cmd_i.operation == pq_pkg::OpLoad || first_score)) active_q <= tokens_q;
    end
  end

  assign cmd_take    = cmd_valid_i && engine_ready;
  assign first_score = cmd_i.operation == pq_pkg::OpScore && cmd_i.first;
  assign tokens      = first_score ? tokens_q : active_q;
  assign left        = tokens > 16'(cmd_i.skip) ? tokens - 16'(cmd_i.skip) : '0;
  assign cmd_tokens  = left < 16'(cmd_i.tokens) ? TokensWidth'(left) : TokensWidth'(cmd_i.tokens);

  assign write_enable_o = tokens_q != '0;

  // ---- Streams ----------------------------------------------------------------------------------

  logic                    bus_stream, beat_take, word_done;
  logic [WordsPerBeat-1:0] waiting_q;    // words of the beat that the engine has not taken
  logic [BeatBits-1:0]     bank_data, beat_q;

  if (BanksPerEngine == 1) begin : gen_bank
    logic unused_odd;
    assign unused_odd = bank_odd_i;
    assign bank_data  = bank_data_i;
  end else begin : gen_banks
    assign bank_data = bank_odd_i ? bank_data_i[BeatBits +: BeatBits] : bank_data_i[BeatBits-1:0];
  end

  assign bus_stream = bus_valid_i && bus_beat_i.kind == pq_pkg::BusStream;
  assign beat_take  = bank_take_i || bus_stream;
  assign word_done  = stream_open || !words_left;
  assign overrun    = (bank_take_i && bus_stream)
                   || (beat_take && |(waiting_q >> word_done));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) waiting_q <= '0;
    else if (beat_take) waiting_q <= '1;
    else if (word_done) waiting_q <= WordsPerBeat'({1'b0, waiting_q} >> 1);
  end

  always_ff @(posedge clk_i) begin
    if (beat_take) beat_q <= bank_take_i ? bank_data : bus_data_i;
    else if (WordsPerBeat > 1 && word_done) begin
      beat_q <= BeatBits'({{WordBits{1'b0}}, beat_q} >> WordBits);
    end
  end

  assign word_valid = (waiting_q[0] && stream_open) || strobe;
  // Beats of registers do not change it: they come while the tile before is still accumulated, and
  // the sender of the command that uses them waits until they are written.
  assign ready_o    = engine_ready && !waiting_q[0];

  // ---- Registers --------------------------------------------------------------------------------

  logic                     bus_reg;
  pq_pkg::register_select_e bus_select;

  assign bus_reg    = bus_valid_i && bus_beat_i.kind != pq_pkg::BusStream
                   && bus_beat_i.kind != pq_pkg::BusTokens;
  assign bus_select = bus_beat_i.kind == pq_pkg::BusControl ? pq_pkg::RegControl
                    : bus_beat_i.kind == pq_pkg::BusShift   ? pq_pkg::RegShift
                    : bus_beat_i.kind == pq_pkg::BusQuery   ? pq_pkg::RegQuery : pq_pkg::RegBias;

  if (WordsPerBeat == 1) begin : gen_word
    assign reg_overrun = 1'b0;
    assign reg_valid   = bus_reg;
    assign reg_select  = bus_select;
    assign reg_index   = 8'(bus_beat_i.index);
    assign reg_data    = bus_data_i;
  end else begin : gen_words
    // The second word, which CONTROL does not have, comes one cycle later.
    logic                     second_q;
    pq_pkg::register_select_e select_q;
    logic [4:0]               index_q;
    logic [WordBits-1:0]      high_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) second_q <= 1'b0;
      else second_q <= bus_reg && bus_select != pq_pkg::RegControl;
    end

    always_ff @(posedge clk_i) begin
      if (bus_reg) begin
        select_q <= bus_select;
        index_q  <= bus_beat_i.index;
        high_q   <= bus_data_i[WordBits +: WordBits];
      end
    end

    assign reg_overrun = second_q && bus_reg;
    assign reg_valid   = second_q || bus_reg;
    assign reg_select  = second_q ? select_q : bus_select;
    assign reg_index   = second_q ? {2'b0, index_q, 1'b1} : {2'b0, bus_beat_i.index, 1'b0};
    assign reg_data    = second_q ? high_q : bus_data_i[WordBits-1:0];
  end

  // ---- Reads ------------------------------------------------------------------------------------

  // A bit for each cycle since read_valid_i. The engine's words are there in stage WordStage and
  // the next ones.
  localparam int unsigned FetchStage  = 2;
  localparam int unsigned StrobeStage = 4;
  localparam int unsigned WordStage   = 6;
  localparam int unsigned LastStage   = WordStage + WordsPerBeat - 1;

  logic               own_status;
  logic [8:0]         first_word;
  pq_pkg::read_kind_e kind_q;
  logic [5:0]         index_q;
  logic [LastStage:1] fetch_q;     // reads the engine
  logic [LastStage:1] record_q;    // takes words of UNLOAD
  logic [LastStage:1] status_q;    // fills the status
  logic [LastStage:1] own_q;       // is answered with the status
  logic [LastStage:1] answer_q;    // is answered
  logic [47:0]        sum_maximum_q;
  logic [4:0]         tile_flags_q, flags_q;
  logic [BeatBits-1:0] beat, status;

  assign own_status = read_beat_i.kind == pq_pkg::ReadResult
                   && read_beat_i.index == 6'(ResultBeats - 1);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      fetch_q      <= '0;
      record_q     <= '0;
      status_q     <= '0;
      own_q        <= '0;
      answer_q     <= '0;
      read_valid_o <= 1'b0;
    end else begin
      fetch_q      <= {fetch_q[LastStage-1:1],
                       read_valid_i && read_beat_i.kind != pq_pkg::ReadRecord && !own_status};
      record_q     <= {record_q[LastStage-1:1],
                       read_valid_i && read_beat_i.kind == pq_pkg::ReadRecord};
      status_q     <= {status_q[LastStage-1:1],
                       read_valid_i && read_beat_i.kind == pq_pkg::ReadStatus};
      own_q        <= {own_q[LastStage-1:1], read_valid_i && own_status};
      answer_q     <= {answer_q[LastStage-1:1],
                       read_valid_i && read_beat_i.kind != pq_pkg::ReadCodes
                       && read_beat_i.kind != pq_pkg::ReadStatus};
      read_valid_o <= answer_q[LastStage];
    end
  end

  assign first_word = (kind_q == pq_pkg::ReadResult ? '0 : 9'(OutputWords + 1))
                    + 9'(index_q) * 9'(WordsPerBeat);

  always_ff @(posedge clk_i) begin
    kind_q       <= read_beat_i.kind;
    index_q      <= read_beat_i.index;
    fetch_word_q <= status_q[1] ? 9'(OutputWords) : fetch_q[1] ? first_word : fetch_word_q + 1'b1;
  end

  if (WordsPerBeat == 1) begin : gen_whole
    assign fetch      = fetch_q[FetchStage];
    assign strobe     = record_q[StrobeStage];
    assign unanswered = (fetch_q[WordStage] || record_q[WordStage]) && !result_valid;
    assign beat       = result;
  end else begin : gen_halves
    // Of the status only one word is there.
    logic [WordBits-1:0] low_q;

    always_ff @(posedge clk_i) begin
      if (fetch_q[WordStage] || record_q[WordStage]) low_q <= result;
    end

    assign fetch      = fetch_q[FetchStage] || (fetch_q[FetchStage+1] && !status_q[FetchStage+1]);
    assign strobe     = record_q[StrobeStage] || record_q[StrobeStage+1];
    assign unanswered = (fetch_q[WordStage] || record_q[WordStage] || record_q[WordStage+1]
                         || (fetch_q[WordStage+1] && !status_q[WordStage+1])) && !result_valid;
    assign beat       = {result, low_q};

    `AQ_ASSERT(a_reads_spaced, !(read_valid_i && (fetch_q[1] || record_q[1])), clk_i, !rst_ni)
  end

  always_ff @(posedge clk_i) begin
    if (cmd_take && cmd_i.operation == pq_pkg::OpAccumulate && cmd_i.first) tile_flags_q <= flags;
    if (status_q[WordStage]) begin
      sum_maximum_q <= result[47:0];
      flags_q       <= tile_flags_q;
    end
    read_data_o <= !answer_q[LastStage] ? '0 : own_q[LastStage] ? status : beat;
  end

  assign status       = BeatBits'({11'b0, flags_q, sum_maximum_q});
  assign write_data_o = beat;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) error_o <= 1'b0;
    else begin
      error_o <= engine_error || overrun || reg_overrun || unanswered || (cmd_valid_i && !ready_o)
              || (reg_valid && reg_locked);
    end
  end

  // ---- The engine -------------------------------------------------------------------------------

  logic unused_busy, unused_done;

  pq_engine #(
    .HeadDim       (HeadDim),
    .SubDim        (SubDim),
    .CodeBits      (CodeBits),
    .WordBits      (WordBits),
    .QueryWidth    (QueryWidth),
    .EntryWidth    (EntryWidth),
    .ScoreWidth    (ScoreWidth),
    .ScoreFraction (ScoreFraction),
    .ScoreDepth    (ScoreDepth),
    .BiasDepth     (BiasDepth),
    .WeightWidth   (WeightWidth),
    .Quantize      (Quantize)
  ) u_engine (
    .clk_i,
    .rst_ni,
    .cmd_valid_i,
    .cmd_ready_o     (engine_ready),
    .cmd_operation_i (cmd_i.operation),
    .cmd_first_i     (cmd_i.first),
    .cmd_tokens_i    (cmd_tokens),
    .cmd_error_o     (engine_error),
    .word_valid_i    (word_valid),
    .word_i          (beat_q[WordBits-1:0]),
    .stream_open_o   (stream_open),
    .words_left_o    (words_left),
    .reg_valid_i     (reg_valid),
    .reg_select_i    (reg_select),
    .reg_index_i     (reg_index),
    .reg_data_i      (reg_data),
    .reg_locked_o    (reg_locked),
    .result_read_i   (fetch),
    .result_index_i  (fetch_word_q),
    .result_valid_o  (result_valid),
    .result_o        (result),
    .flags_o         (flags),
    .busy_o          (unused_busy),
    .done_o          (unused_done)
  );

endmodule

`default_nettype wire
