# SPDX-License-Identifier: Apache-2.0

set_property(GLOBAL PROPERTY AQPIM_UNIT_MODULES)

# Verilator's header takes most of the time to compile a small model: it is compiled once, by the rule that compiles the
# models.
set(unit_waves 0)
set(AQPIM_UNIT_MODEL_OPTIONS)
if(AQPIM_UNIT_WAVES)
  set(unit_waves 1)
  set(AQPIM_UNIT_MODEL_OPTIONS WAVES)
endif()
set(unit_precompiled ${PROJECT_BINARY_DIR}/generated/tb/unit/precompiled)
file(CONFIGURE OUTPUT ${unit_precompiled}/model.h CONTENT "#include <verilated.h>\n")
file(CONFIGURE OUTPUT ${unit_precompiled}/model_classes.mk CONTENT "# No model\n")
file(GLOB unit_precompiled_headers CONFIGURE_DEPENDS ${VERILATOR_ROOT}/include/*.h)
add_custom_command(
  OUTPUT ${unit_precompiled}/model.h.gch
  COMMAND ${CMAKE_COMMAND} -E env --unset=MAKEFLAGS --unset=MFLAGS
    make -s -B -f ${PROJECT_SOURCE_DIR}/sim/verilated.mk PREFIX=model ROOT=${VERILATOR_ROOT} CXX=${CMAKE_CXX_COMPILER}
    OPTIMIZATION=-O0 VM_TRACE=${unit_waves} VM_TRACE_FST=${unit_waves} model.h.gch
  WORKING_DIRECTORY ${unit_precompiled}
  # The compiler does not look whether they have changed since.
  DEPENDS ${unit_precompiled_headers} ${PROJECT_SOURCE_DIR}/sim/verilated.mk
  VERBATIM)
add_custom_target(unit_precompiled DEPENDS ${unit_precompiled}/model.h.gch)

# aqpim_unit_model(<module> Key=Value... [MEMORY Key=Value...]): a model of pq_<module>, unless there is one with these
# parameters. MEMORY: it has the parameter Memory, that of AQPIM_MEMORY with these members of its own.
#
# For the tests it becomes a type in aqpim::tb::unit, in the generated header tb/unit/models/<module>.h:
#   struct score_sum_0 {
#     using Model = Vunit_score_sum_0;
#     static constexpr char parameters[] = "pq_score_sum (Lanes=32,...)";
#     static constexpr unsigned Lanes = 32; ...   (and all members of its memory)
#   };
#   using score_sum_models = std::tuple<score_sum_0, ...>;
function(aqpim_unit_model module)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "MEMORY")
  set(parameters ${arg_UNPARSED_ARGUMENTS})
  set(constants ${parameters})
  if(DEFINED arg_MEMORY OR "MEMORY" IN_LIST arg_KEYWORDS_MISSING_VALUES)
    aqpim_shape_parameters(members memories ${AQPIM_MEMORY} parameters)
    aqpim_replace_parameters(members ${arg_MEMORY})
    aqpim_memory_parameter(memory ${members})
    list(APPEND parameters ${memory})
    list(APPEND constants ${members})
  endif()
  aqpim_unit_model_of("${module}" "${parameters}" "${constants}")
endfunction()

# The same of a model with these parameters and constants.
function(aqpim_unit_model_of module values shown)
  get_property(known GLOBAL PROPERTY AQPIM_UNIT_${module})
  if(NOT known)
    set_property(GLOBAL APPEND PROPERTY AQPIM_UNIT_MODULES ${module})
  endif()
  string(REPLACE ";" "," parameters "(${values})")
  if(parameters IN_LIST known)
    return()
  endif()
  list(LENGTH known index)
  set_property(GLOBAL APPEND PROPERTY AQPIM_UNIT_${module} ${parameters})

  set(name ${module}_${index})
  # These models run for milliseconds: what counts is the time to build them.
  aqpim_verilate(unit_${name} TOP pq_${module} ${AQPIM_UNIT_MODEL_OPTIONS} PARAMS ${values}
    OPTIMIZATION -O0 CXX_FLAGS -fpch-preprocess -include ${unit_precompiled}/model.h)
  if(TARGET compile_unit_${name})
    add_dependencies(compile_unit_${name} unit_precompiled)
  endif()
  set_property(GLOBAL APPEND PROPERTY AQPIM_UNIT_MODELS_${module} verilated_unit_${name})
  set(constants)
  foreach(parameter IN LISTS shown)
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

# The models of all modules with the parameters that they have for a configuration. The engine itself has tests of
# its own.
function(aqpim_unit_configuration configuration)
  string(JSON modules GET "${AQPIM_SHAPES}" configurations ${configuration} modules)
  string(JSON count LENGTH "${modules}")
  math(EXPR last "${count} - 1")
  foreach(index RANGE ${last})
    string(JSON module MEMBER "${modules}" ${index})
    if(module STREQUAL "pq_engine")
      continue()
    endif()
    aqpim_shape_parameters(parameters configurations ${configuration} modules ${module})
    string(REGEX REPLACE "^pq_" "" name ${module})
    aqpim_unit_model(${name} ${parameters})
  endforeach()
endfunction()

# Writes the headers, and AQPIM_UNIT_MODELS_<module>: the models of each module, to be linked.
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
    get_property(models GLOBAL PROPERTY AQPIM_UNIT_MODELS_${module})
    set(AQPIM_UNIT_MODELS_${module} ${models} PARENT_SCOPE)
  endforeach()
endfunction()
