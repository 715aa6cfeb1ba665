// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_pkg: names of numbers that several modules, the golden model and the test bench agree on.
//
// Every tool reads this file before the others; names are written pq_pkg::NAME. What is marked
// public is in sw/config/pq_pkg.h for C++, too (sim/package_header.py writes it, `make lint`
// compares): operation_e there is Operation, and its OpTable is Operation::kTable.
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

  // ---- Engine in a channel ----------------------------------------------------------------------

  // Bits of a beat: what a column access delivers, and what the data bus moves at once
  localparam int unsigned BeatBits /*verilator public*/ = 256;

  // Beats to engines
  typedef enum logic [2:0] {
    BusStream,
    BusTokens,      // 16 bits for each engine of the rank
    BusControl,     // registers from here on
    BusShift,
    BusQuery,
    BusBias
  } bus_kind_e /*verilator public*/;

  // Reads of engines
  typedef enum logic [1:0] {
    ReadResult,
    ReadRecord,     // the next words of OpUnload
    ReadCodes,      // answered to the banks
    ReadStatus      // answered by the last beat of a later ReadResult
  } read_kind_e /*verilator public*/;

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

  // Work of a rank
  typedef enum logic [2:0] {
    WorkWrite,
    WorkRead,
    WorkAttend,
    WorkEncode,
    WorkCluster
  } work_kind_e /*verilator public*/;

  // Transfers of a rank, beside its work
  typedef enum logic [1:0] {
    TransferQuery,
    TransferVectors,
    TransferResult
  } transfer_kind_e /*verilator public*/;

  // verilator lint_on UNUSEDPARAM

endpackage

`default_nettype wire
