// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_pkg: names of numbers that several modules, the golden model and the test bench agree on.
//
// Every tool reads this file before the others; names are written pq_pkg::NAME. The constants, and
// the enums marked public, are in sw/config/pq_pkg.h for C++, too (sim/package_header.py writes it,
// `make lint` compares): operation_e there is Operation, and its OpTable is Operation::kTable.
//
// Records cross modules as one port. Their numbers are as wide as the widest design needs: a module
// takes the low bits that it has use for.
package pq_pkg;

  // No design uses all of them.
  // verilator lint_off UNUSEDPARAM

  // ---- Engine -----------------------------------------------------------------------------------

  // Operations. Those from OpEncode on need Quantize.
  typedef enum logic [2:0] {
    OpTable,        // a codebook of keys: tables of the query's products
    OpScore,        // codes of keys: scores of tokens
    OpAccumulate,   // codes of values: weights of tokens into buckets
    OpCombine,      // a codebook of values: outputs
    OpEncode,       // a codebook, for the vector in the query registers: its codes
    OpLoad,         // the centroids of a slice; empty sums
    OpCluster,      // a pass over raw tokens: sums of each centroid's tokens
    OpUnload        // the sums of the slice out; empty sums
  } operation_e /*verilator public*/;

  // Registers of an engine
  typedef enum logic [1:0] {
    RegControl,
    RegQuery,
    RegShift,
    RegBias
  } register_select_e /*verilator public*/;

  // ---- Quantizer of a pseudo-channel ------------------------------------------------------------

  typedef enum logic [2:0] {
    QuLoad,         // raw tokens: the centroids of a slice; empty sums
    QuCluster,      // raw tokens and weights: sums of each centroid's tokens
    QuUpdate,       // centroids = sums / weights; empty sums
    QuCodebook,     // the stored centroids of all slices
    QuEncode        // raw tokens: their codes
  } quantizer_operation_e /*verilator public*/;

  // ---- Attend engine ----------------------------------------------------------------------------

  typedef enum logic [1:0] {
    AttendTurn,       // outputs of the window before, tables of the next one
    AttendScore,      // codes of keys: scores of tokens
    AttendAccumulate  // codes of values: weights of tokens into buckets
  } attend_operation_e /*verilator public*/;

  // Beats on its bus
  typedef enum logic [1:0] {
    AttendBusTokens,
    AttendBusControl,
    AttendBusParameters
  } attend_bus_kind_e /*verilator public*/;

  // ---- Engine in a channel ----------------------------------------------------------------------

  // Bits of a beat: what a column access delivers, and what the data bus moves at once
  localparam int unsigned BeatBits = 256;

  // A command; skip and tokens as in pq_bank_engine
  typedef struct packed {
    operation_e  operation;
    logic        first;
    logic [12:0] skip;
    logic [12:0] tokens;
  } engine_command_t;

  localparam int unsigned EngineCommandBits = 30;

  // Beats to engines
  typedef enum logic [2:0] {
    BusStream,
    BusTokens,      // 16 bits for each engine of the rank
    BusControl,     // registers from here on
    BusShift,
    BusQuery,
    BusBias
  } bus_kind_e /*verilator public*/;

  typedef struct packed {
    bus_kind_e  kind;
    logic [4:0] index;          // of a beat of registers
  } engine_write_t;

  // Reads of engines
  typedef enum logic [1:0] {
    ReadResult,
    ReadRecord,     // the next words of OpUnload
    ReadCodes,      // answered to the banks
    ReadStatus      // answered by the last beat of a later ReadResult
  } read_kind_e /*verilator public*/;

  typedef struct packed {
    read_kind_e kind;
    logic [5:0] index;          // ReadResult, ReadCodes: of the beat
  } engine_read_t;

  localparam int unsigned EngineReadBits = 8;

  // ---- Commands of the channel ------------------------------------------------------------------

  // Phases: where their beats come from and go to
  typedef enum logic [2:0] {
    FromLocal,        // each bank, its engine
    FromLocalWrite,   // each engine, its bank
    FromBroadcast,    // a bank, all engines of its rank
    FromRead,         // a bank, the host
    FromWrite,        // the host, a bank
    FromRecords,      // an engine, the reducer; from here on no bank
    FromStart,        // the host, engines
    FromCentroids     // the reducer's buffer, engines
  } phase_source_e /*verilator public*/;

  // Row commands, all of them to all banks of a rank
  typedef enum logic [1:0] {
    RowActAll,
    RowPreAll,
    RowRef
  } row_kind_e /*verilator public*/;

  typedef struct packed {
    row_kind_e   kind;
    logic        slot;          // of the two memory cycles of a clock cycle
    logic [15:0] row;
  } row_command_t;

  localparam int unsigned RowCommandBits = 19;

  // Column commands
  typedef enum logic [2:0] {
    ColRd,
    ColWr,
    ColBroadcast,
    ColRdAll,
    ColWrAll,
    ColEngineRd,
    ColEngineWr,
    ColEngineWrAll
  } column_kind_e /*verilator public*/;

  // Banks of ColRdAll and ColWrAll
  typedef enum logic [1:0] {
    SetAll,
    SetEven,
    SetOdd
  } bank_set_e /*verilator public*/;

  // Where a rank's column goes: one on the data bus, or, without bank, one of all banks
  typedef struct packed {
    logic [15:0] bank;          // of the rank; of an engine: its first one
    logic [15:0] row;
    logic [15:0] column;
  } bus_address_t;

  localparam int unsigned BusAddressBits = 48;

  // What a rank asks of the data bus
  typedef struct packed {
    column_kind_e kind;
    logic [5:0]   engine;
    logic [7:0]   tag;          // of the command whose beat it is
    logic [15:0]  beat;         // of the command's payload, or of its data
    bus_kind_e    to;           // ColEngineWr, ColEngineWrAll: what the beat is there
    logic [5:0]   index;        // among the beats of that kind, or of a result
    logic         record;       // ColEngineRd: a record, not a result
    logic         buffered;     // the beat comes from the reducer's buffer, not from the host
  } bus_request_t;

  localparam int unsigned BusRequestBits = 44;

  // The memory: organization and timing, names as in docs/memory.md
  typedef struct packed {
    logic [31:0] Ranks;
    logic [31:0] BankGroups;
    logic [31:0] BanksPerGroup;
    logic [31:0] Rows;
    logic [31:0] Columns;
    logic [31:0] nBL;
    logic [31:0] nCL;
    logic [31:0] nCWL;
    logic [31:0] nRCD;
    logic [31:0] nRP;
    logic [31:0] nRAS;
    logic [31:0] nRC;
    logic [31:0] nCCDS;
    logic [31:0] nCCDL;
    logic [31:0] nCCDAB;
    logic [31:0] nRTW;
    logic [31:0] nWR;
    logic [31:0] nRTPL;
    logic [31:0] nREFI;
    logic [31:0] nRFC;
    logic [31:0] Postponed;        // refreshes that may be owed
    logic [31:0] PowerLimited;     // 0 or 1
    logic [31:0] LimitedCCDAB;     // with the power limit: instead of nCCDAB,
    logic [31:0] LimitedColumns;   // and so many columns of a bank
    logic [31:0] LimitedWindow;    // in so many memory cycles
  } memory_t;

  // configs/memory/hbm3-5200.json, in that order
  localparam memory_t DefaultMemory = {
    32'd2, 32'd4, 32'd4, 32'd16384, 32'd32,
    32'd2, 32'd19, 32'd6, 32'd19, 32'd19, 32'd45, 32'd63, 32'd2, 32'd4, 32'd4, 32'd3, 32'd21, 32'd8,
    32'd5070, 32'd456, 32'd8, 32'd1, 32'd6, 32'd32, 32'd192
  };

  // ---- Host (docs/channel.md) -------------------------------------------------------------------

  typedef enum logic [3:0] {
    CmdSetConfig,
    CmdWrite,
    CmdRead,
    CmdSetQuery,
    CmdSetVectors,
    CmdAttend,
    CmdResult,
    CmdEncode,
    CmdCluster      // the last one that there is
  } host_opcode_e /*verilator public*/;

  typedef struct packed {
    logic [7:0]   tag;          // comes back with its answer
    host_opcode_e opcode;
    logic         rank;
    logic [1:0]   place;        // the context: one of four of the rank
    logic [159:0] fields;       // f0 lowest, 16 bits each
  } host_command_t;

  // Fields of each opcode
  typedef struct packed {
    logic [15:0] f9, raw_rows, raw, window_rows, code_rows, value_codes, key_codes, book_rows,
                 value_book, key_book;
  } config_fields_t;

  typedef struct packed {       // CmdWrite, CmdRead
    logic [95:0] f4_to_f9;
    logic [15:0] beats, first, row, bank;
  } access_fields_t;

  typedef struct packed {
    logic [127:0] f2_to_f9;
    logic [15:0]  each, bias_beats;
  } query_fields_t;

  typedef struct packed {
    logic [143:0] f1_to_f9;
    logic [15:0]  vectors;
  } vectors_fields_t;

  typedef struct packed {
    logic [95:0] f4_to_f9;
    logic [15:0] windows, window, row, tokens;
  } attend_fields_t;

  typedef struct packed {
    logic [95:0] f4_to_f9;
    logic [15:0] place, row, window, values;
  } encode_fields_t;

  typedef struct packed {
    logic [111:0] f3_to_f9;
    logic [15:0]  row, tokens, values;
  } cluster_fields_t;

  typedef enum logic [3:0] {
    AnswerOk,
    AnswerIllegal,
    AnswerQueueFull,
    AnswerShape,
    AnswerAddress,
    AnswerCodeFull,
    AnswerNotReady,
    AnswerPending
  } answer_code_e /*verilator public*/;

  typedef struct packed {
    logic [7:0]   tag;
    answer_code_e code;
  } host_answer_t;

  // A beat of a command's payload, data or elements
  typedef struct packed {
    logic [7:0]  tag;
    logic [15:0] beat;
  } host_beat_t;

  // Work of a rank
  typedef enum logic [2:0] {
    WorkWrite,
    WorkRead,
    WorkAttend,
    WorkEncode,
    WorkCluster
  } work_kind_e /*verilator public*/;

  typedef struct packed {
    logic [7:0]  tag;
    work_kind_e  kind;
    logic        joint;         // codebooks are those of the rank
    logic        values;        // CLUSTER: elements of values
    logic [15:0] row0;          // key codebook; else the first row
    logic [15:0] row1;          // value codebook; ENCODE: of the codes
    logic [15:0] row2;          // key codes
    logic [15:0] row3;          // value codes
    logic [15:0] count;         // beats; ATTEND, CLUSTER: tokens
    logic [15:0] beats;         // CLUSTER: of the tokens and weights
    logic [15:0] first;         // beat in the row; ENCODE: token
    logic [15:0] bank;          // as many as a rank has: striped
    logic [15:0] window_rows;   // rows of codes of a window
  } work_t;

  localparam int unsigned WorkBits = 157;

  // Transfers of a rank, beside its work
  typedef enum logic [1:0] {
    TransferQuery,
    TransferVectors,
    TransferResult
  } transfer_kind_e /*verilator public*/;

  typedef struct packed {
    logic [7:0]     tag;
    transfer_kind_e kind;
    logic [5:0]     beats;      // of biases; TransferVectors: 1: vectors follow
    logic           each;       // biases of each engine
  } transfer_t;

  localparam int unsigned TransferBits = 17;

  // A pass of the reducer
  typedef struct packed {
    logic joint;                // one codebook of all engines
    logic values;               // elements of values, not of keys
    logic last;                 // elements go to the host
  } reducer_pass_t;

  localparam int unsigned ReducerPassBits = 3;

  // ---- Shapes that follow from parameters -------------------------------------------------------

  function automatic int unsigned larger(input int unsigned a, input int unsigned b);
    larger = a > b ? a : b;
  endfunction

  function automatic int unsigned tokens_width(input int unsigned score_depth);
    tokens_width = $clog2(score_depth + 1);
  endfunction

  function automatic int unsigned words_per_beat(input int unsigned word_bits);
    words_per_beat = BeatBits / word_bits;
  endfunction

  // Beats of a token's codes
  function automatic int unsigned code_beats(
      input int unsigned head_dim, input int unsigned sub_dim, input int unsigned code_bits);
    code_beats = head_dim / sub_dim * code_bits / BeatBits;
  endfunction

  function automatic int unsigned codebook_beats(
      input int unsigned head_dim, input int unsigned code_bits);
    codebook_beats = (1 << code_bits) * head_dim * 8 / BeatBits;
  endfunction

  // Rows that so many beats take
  function automatic int unsigned rows_of(
      input int unsigned beats, input int unsigned row_beats);
    rows_of = (beats + row_beats - 1) / row_beats;
  endfunction

  // A slice's tokens side by side in CLUSTER, its words of centroids and of records, and beats of
  // all centroids and of one record
  function automatic int unsigned token_slots(input int unsigned code_bits);
    token_slots = code_bits / 4;
  endfunction

  function automatic int unsigned slice_words(input int unsigned code_bits);
    slice_words = 8 / code_bits;
  endfunction

  function automatic int unsigned record_words(input int unsigned code_bits);
    record_words = 32 / code_bits;
  endfunction

  function automatic int unsigned slice_beats(
      input int unsigned code_bits, input int unsigned word_bits);
    slice_beats = (1 << code_bits) * slice_words(code_bits) / words_per_beat(word_bits);
  endfunction

  function automatic int unsigned record_beats(
      input int unsigned code_bits, input int unsigned word_bits);
    record_beats = record_words(code_bits) / words_per_beat(word_bits);
  endfunction

  // Address bits of the buffer of new centroids
  function automatic int unsigned buffer_bits(
      input int unsigned engines, input int unsigned code_bits, input int unsigned word_bits);
    buffer_bits = larger(8, $clog2(engines * slice_beats(code_bits, word_bits)));
  endfunction

  // Clock cycles from a read command on the pins until its data are taken
  function automatic int unsigned read_cycles(input int unsigned n_cl, input int unsigned n_bl);
    read_cycles = (n_cl + n_bl + 2) / 2;
  endfunction

  // verilator lint_on UNUSEDPARAM

endpackage

`default_nettype wire
