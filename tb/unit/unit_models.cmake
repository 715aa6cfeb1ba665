# SPDX-License-Identifier: Apache-2.0

set_property(GLOBAL PROPERTY AQPIM_UNIT_MODELS)
set_property(GLOBAL PROPERTY AQPIM_UNIT_MODULES)

# Verilator's header takes most of the time to compile a small model: it is compiled once, by the rule that compiles the
# models.
set(unit_precompiled ${PROJECT_BINARY_DIR}/generated/tb/unit/precompiled)
file(CONFIGURE OUTPUT ${unit_precompiled}/model.h CONTENT "#include <verilated.h>\n")
file(CONFIGURE OUTPUT ${unit_precompiled}/model_classes.mk CONTENT "# No model\n")
file(GLOB unit_precompiled_headers CONFIGURE_DEPENDS ${VERILATOR_ROOT}/include/*.h)
add_custom_command(
  OUTPUT ${unit_precompiled}/model.h.gch
  COMMAND ${CMAKE_COMMAND} -E env --unset=MAKEFLAGS --unset=MFLAGS
    make -s -B -f ${PROJECT_SOURCE_DIR}/sim/verilated.mk PREFIX=model ROOT=${VERILATOR_ROOT} CXX=${CMAKE_CXX_COMPILER}
    OPTIMIZATION=-O0 model.h.gch
  WORKING_DIRECTORY ${unit_precompiled}
  # The compiler does not look whether they have changed since.
  DEPENDS ${unit_precompiled_headers} ${PROJECT_SOURCE_DIR}/sim/verilated.mk
  VERBATIM)
add_custom_target(unit_precompiled DEPENDS ${unit_precompiled}/model.h.gch)

# aqpim_unit_model(<module> Key=Value...): a model of pq_<module>, unless there is one with these parameters.
#
# For the tests it becomes a type in aqpim::tb::unit, in the generated header tb/unit/models/<module>.h:
#   struct score_sum_0 {
#     using Model = Vunit_score_sum_0;
#     static constexpr char parameters[] = "pq_score_sum (Lanes=32,...)";
#     static constexpr unsigned Lanes = 32; ...
#   };
#   using score_sum_models = std::tuple<score_sum_0, ...>;
function(aqpim_unit_model module)
  get_property(known GLOBAL PROPERTY AQPIM_UNIT_${module})
  if(NOT known)
    set_property(GLOBAL APPEND PROPERTY AQPIM_UNIT_MODULES ${module})
  endif()
  string(REPLACE ";" "," parameters "(${ARGN})")
  if(parameters IN_LIST known)
    return()
  endif()
  list(LENGTH known index)
  set_property(GLOBAL APPEND PROPERTY AQPIM_UNIT_${module} ${parameters})

  set(name ${module}_${index})
  # These models run for milliseconds: what counts is the time to build them.
  aqpim_verilate(unit_${name} TOP pq_${module} PARAMS ${ARGN}
    OPTIMIZATION -O0 CXX_FLAGS -fpch-preprocess -include ${unit_precompiled}/model.h)
  if(TARGET compile_unit_${name})
    add_dependencies(compile_unit_${name} unit_precompiled)
  endif()
  set_property(GLOBAL APPEND PROPERTY AQPIM_UNIT_MODELS verilated_unit_${name})
  set(constants)
  foreach(parameter IN LISTS ARGN)
    string(REPLACE "=" " = " constant ${parameter})
    string(REPLACE "1'b" "" constant ${constant})
    string(APPEND constants "  static constexpr unsigned ${constant};\n")
  endforeach()
  set_property(GLOBAL APPEND_STRING PROPERTY AQPIM_UNIT_INCLUDES_${module}
    "#include \"Vunit_${name}.h\"\n")
  set_property(GLOBAL APPEND_STRING PROPERTY AQPIM_UNIT_TYPES_${module}
    "struct ${name} {
  using Model = Vunit_${name};
  static constexpr char parameters[] = \"pq_${module} ${parameters}\";
${constants}};\n\n")
endfunction()

function(aqpim_log2 result value)
  set(exponent 0)
  while(value GREATER 1)
    math(EXPR value "${value} / 2")
    math(EXPR exponent "${exponent} + 1")
  endwhile()
  set(${result} ${exponent} PARENT_SCOPE)
endfunction()

# The models of all modules as pq_engine of these parameters instantiates them.
function(aqpim_unit_configuration)
  foreach(parameter IN LISTS ARGN)
    string(REGEX MATCH "^([A-Za-z]+)=(.*)$" parameter "${parameter}")
    set(${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
  endforeach()
  math(EXPR Subspaces "${HeadDim} / ${SubDim}")
  math(EXPR Centroids "1 << ${CodeBits}")
  math(EXPR Lanes "${WordBits} / ${CodeBits}")
  math(EXPR TokenWords "${Subspaces} / ${Lanes}")
  math(EXPR CentroidWords "${HeadDim} * 8 / ${WordBits}")
  math(EXPR LaneDepth "${Centroids} * ${TokenWords}")
  aqpim_log2(subspaces ${Subspaces})
  aqpim_log2(score_depth ${ScoreDepth})
  math(EXPR SumWidth "${EntryWidth} + ${subspaces}")
  math(EXPR BucketWidth "${WeightWidth} + ${score_depth}")
  math(EXPR OutputWidth "${BucketWidth} + 12")
  math(EXPR ArgumentWidth "${ScoreWidth} + 1")
  aqpim_log2(lanes ${Lanes})
  math(EXPR DrainCycles "6 + (${lanes} + 1) / 2")
  # Encoding and clustering
  math(EXPR WeightsWord "${WordBits} / 8")
  math(EXPR TokenSlots "${WeightsWord} * 2 / ${Lanes}")
  set(DigitWidth 6)
  set(StoreWidth 1)
  if(Quantize)
    set(DigitWidth 8)
    math(EXPR SumsBits "(20 + ${score_depth}) * ${SubDim} + 8 + ${score_depth}")
    math(EXPR SumsLanes "3 * ${SubDim} / 2")
    math(EXPR StoreWidth "(${SumsBits} + ${SumsLanes} - 1) / ${SumsLanes}")
    if(StoreWidth LESS 24)
      set(StoreWidth 24)
    endif()
    # A bucket is at least as wide as an entry in all configurations.
    math(EXPR LaneWidth "${BucketWidth} + 1")
    if(StoreWidth GREATER LaneWidth)
      set(LaneWidth ${StoreWidth})
    endif()
    aqpim_log2(subspace_bits ${SubDim})
    math(EXPR DistanceWidth "24 + ${subspace_bits}")
    aqpim_unit_model(nearest Entries=${CentroidWords} CodeBits=${CodeBits}
      DistanceWidth=${DistanceWidth})
    aqpim_unit_model(cluster_control WordBits=${WordBits} CodeBits=${CodeBits}
      TokenSlots=${TokenSlots})
    aqpim_unit_model(slice SubDim=${SubDim} CodeBits=${CodeBits} WordBits=${WordBits}
      ScoreDepth=${ScoreDepth} LaneWidth=${LaneWidth})
  endif()
  math(EXPR extra "2 * (16 - ${ScoreFraction}) - 1")
  aqpim_log2(ExtraWidth ${extra})

  aqpim_unit_model(float_to_fixed Width=${QueryWidth})
  aqpim_unit_model(multiplier DigitWidth=${DigitWidth})
  aqpim_unit_model(centroid_group SubDim=${SubDim} QueryWidth=${QueryWidth}
    EntryWidth=${EntryWidth} BucketWidth=${BucketWidth} Quantize=1'b${Quantize})
  aqpim_unit_model(score_sum Lanes=${Lanes} TokenWords=${TokenWords} EntryWidth=${EntryWidth})
  aqpim_unit_model(score SumWidth=${SumWidth} ScoreWidth=${ScoreWidth} ExtraWidth=${ExtraWidth})
  aqpim_unit_model(bias WordBits=${WordBits} BiasDepth=${BiasDepth})
  aqpim_unit_model(exp2 ArgumentWidth=${ArgumentWidth} ArgumentFraction=${ScoreFraction}
    WeightWidth=${WeightWidth})
  aqpim_unit_model(softmax ScoreWidth=${ScoreWidth} ScoreFraction=${ScoreFraction}
    ScoreDepth=${ScoreDepth} WeightWidth=${WeightWidth})
  aqpim_unit_model(table_lane LaneDepth=${LaneDepth} EntryWidth=${EntryWidth}
    WeightWidth=${WeightWidth} BucketWidth=${BucketWidth} StoreWidth=${StoreWidth})
  aqpim_unit_model(output_lane CentroidWords=${CentroidWords} OutputWidth=${OutputWidth})
  aqpim_unit_model(query HeadDim=${HeadDim} SubDim=${SubDim} WordBits=${WordBits}
    QueryWidth=${QueryWidth} Quantize=1'b${Quantize})
  aqpim_unit_model(registers HeadDim=${HeadDim} SubDim=${SubDim} WordBits=${WordBits}
    ScoreFraction=${ScoreFraction} BiasDepth=${BiasDepth})
  aqpim_unit_model(result HeadDim=${HeadDim} WordBits=${WordBits} OutputWidth=${OutputWidth}
    TokenWords=${TokenWords})
  aqpim_unit_model(control Centroids=${Centroids} CentroidWords=${CentroidWords}
    TokenWords=${TokenWords} ScoreDepth=${ScoreDepth} BiasDepth=${BiasDepth}
    Quantize=1'b${Quantize} WeightsWord=${WeightsWord} TokenSlots=${TokenSlots}
    FillCycles=6 DrainCycles=${DrainCycles})

  # The reducer, for engines that cluster.
  if(Quantize)
    math(EXPR DivisorWidth "8 + ${score_depth} + 8")
    aqpim_unit_model(reducer WordBits=${WordBits} CodeBits=${CodeBits} SubDim=${SubDim}
      ScoreDepth=${ScoreDepth} PartsWidth=8)
    aqpim_unit_model(divider DivisorWidth=${DivisorWidth} QuotientWidth=12)
  endif()
endfunction()

# Writes the headers, and AQPIM_UNIT_MODELS: the targets of all models.
function(aqpim_unit_headers)
  get_property(modules GLOBAL PROPERTY AQPIM_UNIT_MODULES)
  foreach(module IN LISTS modules)
    get_property(known GLOBAL PROPERTY AQPIM_UNIT_${module})
    get_property(includes GLOBAL PROPERTY AQPIM_UNIT_INCLUDES_${module})
    get_property(types GLOBAL PROPERTY AQPIM_UNIT_TYPES_${module})
    list(LENGTH known count)
    math(EXPR last "${count} - 1")
    set(names)
    foreach(index RANGE ${last})
      list(APPEND names ${module}_${index})
    endforeach()
    list(JOIN names ", " names)
    string(CONFIGURE [[
#pragma once

#include <tuple>

@includes@
namespace aqpim::tb::unit {

@types@using @module@_models = std::tuple<@names@>;

}  // namespace aqpim::tb::unit
]] text @ONLY)
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/tb/unit/models/${module}.h
      CONTENT "${text}" @ONLY)
  endforeach()
  get_property(models GLOBAL PROPERTY AQPIM_UNIT_MODELS)
  set(AQPIM_UNIT_MODELS ${models} PARENT_SCOPE)
endfunction()
