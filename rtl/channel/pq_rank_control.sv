// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_rank_control: the work of one rank, from host commands to phases and engine operations.
//
//   work queue --> [ command ] --> [ step ] --+--> phase_*: beats of the step --> pq_rank_stream
//                                             +--> engine_*: its operation --> engines of the rank
//
// A step is a phase, an engine operation that takes its beats, or both. Its row is opened while
// the engines drain the step before; its columns go when the engines have taken the operation.
//
// WRITE, READ  one step
// ATTEND       for each window: TABLE, SCORE; for each window: ACCUMULATE, COMBINE; the status is
//              kept
// ENCODE       ENCODE; for each beat of codes: out of the engines, into the banks
// CLUSTER      LOAD of the start; 4 times: CLUSTER, UNLOAD to the reducer, LOAD of its result but
//              for the last time
//
// Latency     no step depends on data. From phase_last_i of a step to the engine operation of the
//             next one: ReadCycles + 8 cycles, or until the engines are ready
// Throughput  one command after the other; transfers (pq_transfer) go beside it
// Golden      aqpim::golden::Channel   sw/golden/channel.h
module pq_rank_control #(
  parameter  int unsigned HeadDim        = 128,
  parameter  int unsigned SubDim         = 4,
  parameter  int unsigned CodeBits       = 8,
  parameter  int unsigned WordBits       = 256,
  parameter  int unsigned ScoreDepth     = 2048,
  parameter  int unsigned BanksPerEngine = 1,
  parameter  pq_pkg::memory_t Memory     = pq_pkg::DefaultMemory,
  localparam int unsigned Banks          = Memory.BankGroups * Memory.BanksPerGroup,
  localparam int unsigned RowBits        = $clog2(Memory.Rows),
  localparam int unsigned BankBits       = $clog2(Banks),
  localparam int unsigned IndexBits      = $clog2(Memory.Columns) + BankBits,
  localparam int unsigned PaceBits       = CodeBits + $clog2(pq_pkg::words_per_beat(WordBits))
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_ni,
  // Work command (pq_host_commands)
  input  wire logic                 cmd_valid_i,
  output logic                      cmd_take_o,
  input  wire pq_pkg::work_t        cmd_i,
  output logic                      done_o,           // held until done_taken_i
  input  wire logic                 done_taken_i,
  // The rank's state
  input  wire logic                 regs_full_i,
  output logic                      regs_used_o,      // pulse: the registers are free
  input  wire logic                 result_full_i,
  output logic                      result_made_o,    // pulse
  // Reducer
  output logic                      reducer_want_o,
  input  wire logic                 reducer_have_i,
  output logic                      reducer_start_o,  // pulse
  output pq_pkg::reducer_pass_t     reducer_pass_o,
  input  wire logic                 reducer_done_i,
  // Phases
  output logic                      phase_valid_o,
  input  wire logic                 phase_ready_i,
  output pq_pkg::phase_source_e     phase_source_o,
  output logic      [RowBits-1:0]   phase_row_o,
  output logic      [IndexBits-1:0] phase_first_o,
  output logic      [15:0]          phase_beats_o,
  output logic      [BankBits:0]    phase_bank_o,
  output logic      [PaceBits-1:0]  phase_pace_o,
  output logic                      phase_all_o,
  output logic                      phase_go_o,
  input  wire logic                 phase_last_i,
  // Engines
  output logic                      engine_valid_o,
  output pq_pkg::engine_command_t   engine_command_o,
  input  wire logic                 engine_ready_i,
  output logic                      read_valid_o,     // of all engines of the rank
  output pq_pkg::engine_read_t      read_beat_o       // codes or status
);

  localparam int unsigned Engines       = Banks / BanksPerEngine;
  localparam int unsigned TokensWidth   = pq_pkg::tokens_width(ScoreDepth);
  localparam int unsigned WordsPerBeat  = pq_pkg::words_per_beat(WordBits);
  localparam int unsigned Centroids     = 1 << CodeBits;
  localparam int unsigned CodeBeats     = pq_pkg::code_beats(HeadDim, SubDim, CodeBits);
  localparam int unsigned RowBeats      = Memory.Columns * BanksPerEngine;   // of an engine
  localparam int unsigned TokensPerRow  = RowBeats / CodeBeats;
  localparam int unsigned CodebookBeats = pq_pkg::codebook_beats(HeadDim, CodeBits);
  localparam int unsigned LocalRows     = pq_pkg::rows_of(CodebookBeats, RowBeats);
  localparam int unsigned SliceBeats    = pq_pkg::slice_beats(CodeBits, WordBits);
  localparam int unsigned RecordsBeats  = Centroids * pq_pkg::record_beats(CodeBits, WordBits);
  localparam int unsigned ReadCycles    = pq_pkg::read_cycles(Memory.nCL, Memory.nBL);

  // Clock cycles from beat to beat. CLUSTER: a loop of K + 1 cycles takes two words. Records of
  // one engine must not come faster than the reducer divides.
  localparam int unsigned ClusterPace = ((Centroids + 1) * WordsPerBeat + 1) / 2;
  localparam int unsigned RecordPace  = WordsPerBeat > 2 ? WordsPerBeat : 2;
  localparam int unsigned DividePace  = 4;

  // From a phase's last column until its beats have reached the engines, or the memory: a command
  // that reads what was written comes nCL + 12 memory cycles after it at least; from an operation
  // that takes beats of the bus at once until it can.
  localparam int unsigned FlightCycles = ReadCycles + 6;
  localparam int unsigned StartCycles  = 8;
  localparam int unsigned AnswerCycles = 16;   // codes and status of the engines, RD's last beat
  localparam int unsigned PauseBits    =
      $clog2((FlightCycles > AnswerCycles ? FlightCycles : AnswerCycles) + 1);

  typedef enum logic [3:0] {
    StepTransfer,     // WRITE, READ
    StepTable,
    StepScore,
    StepAccumulate,
    StepCombine,
    StepStatus,
    StepEncode,
    StepCodes,
    StepWriteCodes,
    StepStart,
    StepCluster,
    StepUnload,
    StepLoad
  } step_e;

  typedef enum logic [2:0] {
    Idle,
    Open,             // the phase is offered
    Arm,              // the operation waits for the engines
    Run,              // columns go
    Read,             // engines answer
    Wait,             // for the reducer, or for beats on their way
    Done
  } state_e;

  // ---- Command ----------------------------------------------------------------------------------

  pq_pkg::work_kind_e     kind_q;
  logic                   joint_q, values_q;
  logic [RowBits-1:0]     row0_q, row1_q, row3_q, window_rows_q;
  logic [15:0]            count_q, beats_q;
  logic [IndexBits-1:0]   first_q;
  logic [BankBits:0]      bank_q;

  logic unused_cmd;   // wider than this memory needs
  assign unused_cmd = ^cmd_i;

  state_e                 state_q;
  step_e                  step_q, step_next;
  logic [PauseBits-1:0]   pause_q;
  logic                   step_done, last_step, starts, waits;

  // ---- Windows of ATTEND ------------------------------------------------------------------------

  // The first window's rows come back when its codes of values are next.
  logic [TokensWidth-1:0] skip_q, tokens_left, window_tokens;
  logic [RowBits-1:0]     codebook_q, codes_q, codebook_step;
  logic                   first_window, last_window;
  logic [RowBits+5:0]     window_room;

  assign tokens_left   = TokensWidth'(count_q) - skip_q;
  assign window_room   = (RowBits + 6)'(window_rows_q) * (RowBits + 6)'(TokensPerRow);
  assign last_window   = joint_q || (RowBits + 6)'(tokens_left) <= window_room;
  assign window_tokens = last_window ? tokens_left : TokensWidth'(window_room);
  assign first_window  = skip_q == '0;
  assign codebook_step = RowBits'(LocalRows);

  logic [1:0] pass_q;
  logic       last_pass, code_q;

  assign last_pass = pass_q == 2'd3;

  // ---- Steps ------------------------------------------------------------------------------------

  logic               has_phase, has_operation, enters_values;
  pq_pkg::operation_e operation;

  assign enters_values = step_q == StepScore && last_window;

  always_comb begin
    unique case (step_q)
      StepTable:      step_next = StepScore;
      StepScore:      step_next = last_window ? StepAccumulate : StepTable;
      StepAccumulate: step_next = StepCombine;
      StepCombine:    step_next = last_window ? StepStatus : StepAccumulate;
      StepEncode:     step_next = StepCodes;
      StepCodes:      step_next = StepWriteCodes;
      StepWriteCodes: step_next = StepCodes;
      StepStart:      step_next = StepCluster;
      StepCluster:    step_next = StepUnload;
      StepUnload:     step_next = StepLoad;
      StepLoad:       step_next = StepCluster;
      default:        step_next = StepTransfer;
    endcase
  end

  assign last_step = step_q == StepTransfer || step_q == StepStatus
                  || (step_q == StepWriteCodes && (CodeBeats == 1 || code_q))
                  || (step_q == StepUnload && last_pass);

  assign has_phase     = step_q != StepStatus && step_q != StepCodes;
  assign has_operation = step_q != StepTransfer && step_q != StepWriteCodes && has_phase;

  always_comb begin
    unique case (step_q)
      StepScore:      operation = pq_pkg::OpScore;
      StepAccumulate: operation = pq_pkg::OpAccumulate;
      StepCombine:    operation = pq_pkg::OpCombine;
      StepEncode:     operation = pq_pkg::OpEncode;
      StepStart,
      StepLoad:       operation = pq_pkg::OpLoad;
      StepCluster:    operation = pq_pkg::OpCluster;
      StepUnload:     operation = pq_pkg::OpUnload;
      default:        operation = pq_pkg::OpTable;
    endcase
  end

  always_comb begin
    phase_source_o = joint_q ? pq_pkg::FromBroadcast : pq_pkg::FromLocal;
    phase_row_o    = codebook_q;
    phase_first_o  = '0;
    phase_beats_o  = 16'(CodebookBeats);
    phase_bank_o   = (BankBits + 1)'(Banks);
    phase_pace_o   = PaceBits'(WordsPerBeat);
    unique case (step_q)
      StepTransfer: begin
        phase_source_o = kind_q == pq_pkg::WorkRead ? pq_pkg::FromRead : pq_pkg::FromWrite;
        phase_row_o    = row0_q;
        phase_first_o  = first_q;
        phase_beats_o  = count_q;
        phase_bank_o   = bank_q;
      end
      StepScore, StepAccumulate: begin
        phase_source_o = pq_pkg::FromLocal;
        phase_row_o    = codes_q;
        phase_beats_o  = 16'(window_tokens) * 16'(CodeBeats);
      end
      StepWriteCodes: begin
        phase_source_o = pq_pkg::FromLocalWrite;
        phase_row_o    = codes_q;
        phase_first_o  = CodeBeats == 1 ? first_q : IndexBits'({first_q, code_q});
        phase_beats_o  = 16'd1;
      end
      StepStart: begin
        phase_source_o = pq_pkg::FromStart;
        phase_beats_o  = joint_q ? 16'(SliceBeats) : 16'(SliceBeats * Engines);
      end
      StepCluster: begin
        phase_source_o = pq_pkg::FromLocal;
        phase_row_o    = codes_q;
        phase_beats_o  = beats_q;
        phase_pace_o   = PaceBits'(ClusterPace);
      end
      StepUnload: begin
        phase_source_o = pq_pkg::FromRecords;
        phase_beats_o  = 16'(RecordsBeats * Engines);
        phase_pace_o   = joint_q ? PaceBits'(RecordPace) : PaceBits'(DividePace);
      end
      StepLoad: begin
        phase_source_o = pq_pkg::FromCentroids;
        phase_beats_o  = joint_q ? 16'(SliceBeats) : 16'(SliceBeats * Engines);
      end
      default: ;
    endcase
  end

  assign phase_all_o    = joint_q;
  assign reducer_pass_o = {joint_q, values_q, last_pass};

  // ---- Sequence ---------------------------------------------------------------------------------

  // What a step waits for beside the engines
  always_comb begin
    unique case (step_q)
      StepCombine: waits = first_window && result_full_i;
      StepUnload:  waits = !reducer_have_i;
      default:     waits = 1'b0;
    endcase
  end

  assign cmd_take_o = state_q == Idle && cmd_valid_i
                   && (cmd_i.kind < pq_pkg::WorkAttend || regs_full_i)
                   && (cmd_i.kind <= pq_pkg::WorkAttend || !result_full_i);

  assign phase_valid_o = state_q == Open && has_phase;
  assign starts        = state_q == Arm && pause_q == '0 && engine_ready_i && !waits;
  assign step_done     = (state_q == Run && phase_last_i && step_q != StepUnload && !last_step)
                      || (state_q == Read && pause_q == '0 && !last_step)
                      || (state_q == Wait && pause_q == '0 && reducer_done_i && !last_step);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q    <= Idle;
      pause_q    <= '0;
      phase_go_o <= 1'b0;
    end else begin
      if (pause_q != '0) pause_q <= pause_q - 1'b1;
      unique case (state_q)
        Idle: if (cmd_take_o) state_q <= Open;
        Open: if (!has_phase || phase_ready_i) state_q <= Arm;
        Arm: begin
          if (!has_operation && has_phase) begin
            state_q    <= Run;
            phase_go_o <= 1'b1;
          end else if (starts) begin
            state_q <= has_phase ? Run : Read;
            pause_q <= !has_phase ? PauseBits'(AnswerCycles)
                     : phase_source_o >= pq_pkg::FromRecords ? PauseBits'(StartCycles) : '0;
          end
        end
        Run: begin
          if (pause_q == '0) phase_go_o <= 1'b1;
          if (phase_last_i) begin
            phase_go_o <= 1'b0;
            pause_q    <= PauseBits'(FlightCycles);
            state_q    <= step_q == StepUnload || last_step ? Wait : Open;
          end
        end
        Read: if (pause_q == '0) state_q <= last_step ? Done : Open;
        Wait: begin
          if (pause_q == '0 && (step_q != StepUnload || reducer_done_i)) begin
            state_q <= last_step ? Done : Open;
          end
        end
        Done: if (done_taken_i) state_q <= Idle;
        default: state_q <= Idle;
      endcase
    end
  end

  assign done_o = state_q == Done;

  always_ff @(posedge clk_i) begin
    if (cmd_take_o) begin
      kind_q        <= cmd_i.kind;
      joint_q       <= cmd_i.joint;
      values_q      <= cmd_i.values;
      row0_q        <= RowBits'(cmd_i.row0);
      row1_q        <= RowBits'(cmd_i.row1);
      row3_q        <= RowBits'(cmd_i.row3);
      count_q       <= cmd_i.count;
      beats_q       <= cmd_i.beats;
      first_q       <= IndexBits'(cmd_i.first);
      bank_q        <= (BankBits + 1)'(cmd_i.bank);
      window_rows_q <= RowBits'(cmd_i.window_rows);
      skip_q        <= '0;
      pass_q        <= '0;
      code_q        <= 1'b0;
      unique case (cmd_i.kind)
        pq_pkg::WorkAttend: step_q <= StepTable;
        pq_pkg::WorkEncode: step_q <= StepEncode;
        pq_pkg::WorkWrite,
        pq_pkg::WorkRead:   step_q <= StepTransfer;
        default:    step_q <= StepStart;
      endcase
      codebook_q <= RowBits'(cmd_i.row0);
      codes_q    <= cmd_i.kind == pq_pkg::WorkAttend ? RowBits'(cmd_i.row2)
                  : cmd_i.kind == pq_pkg::WorkEncode ? RowBits'(cmd_i.row1)
                                                     : RowBits'(cmd_i.row0);
    end else if (step_done) begin
      step_q <= step_next;
      if (enters_values) begin
        skip_q     <= '0;
        codebook_q <= row1_q;
        codes_q    <= row3_q;
      end else if (step_q == StepScore || step_q == StepCombine) begin
        skip_q     <= skip_q + TokensWidth'(window_room);   // of no use after the last one
        codebook_q <= codebook_q + codebook_step;
        codes_q    <= codes_q + window_rows_q;
      end
      if (step_q == StepUnload)     pass_q <= pass_q + 2'd1;
      if (step_q == StepWriteCodes) code_q <= 1'b1;
    end
  end

  // ---- To the engines and the reducer -----------------------------------------------------------

  logic status_q, read_code_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      engine_valid_o  <= 1'b0;
      read_valid_o    <= 1'b0;
      regs_used_o     <= 1'b0;
      result_made_o   <= 1'b0;
      reducer_start_o <= 1'b0;
    end else begin
      engine_valid_o  <= starts && has_operation;
      read_valid_o    <= starts && !has_phase;
      regs_used_o     <= (starts && step_q == StepAccumulate && first_window)
                      || (state_q == Wait && pause_q == '0 && last_step
                          && kind_q > pq_pkg::WorkAttend
                          && (step_q != StepUnload || reducer_done_i));
      result_made_o   <= state_q == Read && pause_q == '0 && step_q == StepStatus;
      reducer_start_o <= starts && step_q == StepUnload;
    end
  end

  always_ff @(posedge clk_i) begin
    engine_command_o.operation <= operation;
    engine_command_o.first     <= step_q == StepStart || (first_window && step_q != StepLoad);
    engine_command_o.skip      <= 13'(skip_q);
    engine_command_o.tokens    <= step_q == StepCluster ? 13'(TokensWidth'(count_q))
                                                        : 13'(window_tokens);
    status_q    <= step_q == StepStatus;
    read_code_q <= code_q;
  end

  assign read_beat_o.kind  = status_q ? pq_pkg::ReadStatus : pq_pkg::ReadCodes;
  assign read_beat_o.index = 6'(read_code_q);

  // The reducer is kept from UNLOAD to the end of the LOAD of its result.
  assign reducer_want_o = (step_q == StepUnload && state_q != Idle && state_q != Done)
                       || (step_q == StepLoad && state_q != Idle);

  `AQ_ASSERT(a_tokens_left, state_q != Arm || step_q != StepScore || tokens_left != '0, clk_i,
             !rst_ni)

endmodule

`default_nettype wire
