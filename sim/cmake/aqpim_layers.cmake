# SPDX-License-Identifier: Apache-2.0
# Libraries, binaries and tests from the folders of sw and tb. A folder that does not exist is skipped.

# aqpim_layers(<root> LAYERS <folder>... [USES <library>...]): each <root>/<folder>/*.cpp, without *_test.cpp and
# *_bench.cpp, becomes the static library aqpim_<folder> (sw) or aqpim_<root>_<folder>. Each layer links to all layers
# before it or, with USES, to these libraries and the layers before it in this call.
define_property(GLOBAL PROPERTY AQPIM_LIBRARIES BRIEF_DOCS "layers so far, lowest first")

function(aqpim_layers root)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LAYERS;USES")
  foreach(layer IN LISTS arg_LAYERS)
    set(folder ${PROJECT_SOURCE_DIR}/${root}/${layer})
    file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
    list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cpp$")
    set(models)
    if(root STREQUAL "tb" AND layer STREQUAL "engine")
      aqpim_models(engine Model "" generated models)
      list(APPEND sources ${generated})
    elseif(root STREQUAL "tb" AND layer STREQUAL "reducer")
      aqpim_models(reducer ReducerModel "reducer-" generated models)
      list(APPEND sources ${generated})
    elseif(root STREQUAL "sw" AND layer STREQUAL "config")
      list(APPEND sources ${PROJECT_BINARY_DIR}/generated/sw/config/embedded.cpp)
    endif()
    if(NOT sources)
      # Headers alone are found through the include root.
      continue()
    endif()

    set(library aqpim_${root}_${layer})
    if(root STREQUAL "sw")
      set(library aqpim_${layer})
    endif()
    set(lower ${arg_USES})
    if(NOT arg_USES)
      get_property(lower GLOBAL PROPERTY AQPIM_LIBRARIES)
    else()
      list(APPEND arg_USES ${library})
    endif()
    list(REVERSE lower)
    add_library(${library} STATIC ${sources})
    target_link_libraries(${library} PUBLIC ${lower} ${models} aqpim_options)
    if(root STREQUAL "sw" AND layer STREQUAL "workload")
      target_link_libraries(${library} PUBLIC OpenSSL::Crypto)
    endif()
    if(root STREQUAL "tb")
      target_link_libraries(${library} PUBLIC verilator_runtime)
    endif()
    set_property(GLOBAL APPEND PROPERTY AQPIM_LIBRARIES ${library})
  endforeach()
endfunction()

# One adapter per configuration whose model is verilated_<stem>NAME, from tb/<layer>/model.cpp.in, which sees
#   @PREFIX@ the class and header of the model, e.g. Vpq8_d64      @NAME@ the configuration, e.g. pq8-d64
# and has to define `std::unique_ptr<class> make_@PREFIX@();`, and one list of them from
# tb/<layer>/model_registry.cpp.in, which sees
#   @DECLARATIONS@ these functions' declarations                    @ENTRIES@ lines {"NAME", &make_PREFIX},
function(aqpim_models layer class stem result_sources result_models)
  set(sources)
  set(models)
  set(DECLARATIONS)
  set(ENTRIES)
  foreach(NAME IN LISTS AQPIM_CONFIGURATIONS)
    set(model ${stem}${NAME})
    if(NOT TARGET verilated_${model})
      continue()
    endif()
    string(MAKE_C_IDENTIFIER V${model} PREFIX)
    set(source ${PROJECT_BINARY_DIR}/generated/tb/${layer}/model_${PREFIX}.cpp)
    configure_file(${PROJECT_SOURCE_DIR}/tb/${layer}/model.cpp.in ${source} @ONLY)
    # The model's header exists only after it was verilated.
    set_property(SOURCE ${source} APPEND PROPERTY
      OBJECT_DEPENDS ${AQPIM_MODELS_FROM}/verilated/${model}/${PREFIX}.h)
    list(APPEND sources ${source})
    list(APPEND models verilated_${model})
    string(APPEND DECLARATIONS "std::unique_ptr<${class}> make_${PREFIX}();\n")
    string(APPEND ENTRIES "      {\"${NAME}\", &make_${PREFIX}},\n")
  endforeach()
  set(source ${PROJECT_BINARY_DIR}/generated/tb/${layer}/model_registry.cpp)
  configure_file(${PROJECT_SOURCE_DIR}/tb/${layer}/model_registry.cpp.in ${source} @ONLY)
  set(${result_sources} ${sources} ${source} PARENT_SCOPE)
  set(${result_models} ${models} PARENT_SCOPE)
endfunction()

# The program: app/main.cpp and one file per subcommand.
function(aqpim_app)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/app/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  get_property(layers GLOBAL PROPERTY AQPIM_LIBRARIES)
  list(REVERSE layers)
  add_executable(aqpim ${sources})
  target_link_libraries(aqpim PRIVATE aqpim_channel_models ${layers} aqpim_options CLI11::CLI11)
  target_compile_definitions(aqpim PRIVATE AQPIM_VERSION="${PROJECT_VERSION}"
    AQPIM_SCRIPTS="${PROJECT_SOURCE_DIR}/sim")
  # CLI11 takes long to compile; what takes long to run is in the layers.
  target_compile_options(aqpim PRIVATE -O1)
  aqpim_compile_fast(aqpim)
endfunction()

# aqpim_add_doctest(<target> <source>...): a doctest binary of these sources, linked to all layers, in the folder tests
# of the build tree. AQPIM_SOURCE_DIR is the root of the repository.
function(aqpim_add_doctest target)
  get_property(layers GLOBAL PROPERTY AQPIM_LIBRARIES)
  list(REVERSE layers)
  add_executable(${target} EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/sim/test_main.cpp ${ARGN})
  target_link_libraries(${target} PRIVATE ${layers} aqpim_options doctest::doctest)
  target_compile_definitions(${target} PRIVATE AQPIM_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  set_property(TARGET ${target} PROPERTY RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
endfunction()

function(aqpim_tests)
  if(benchmark_FOUND)
    get_property(layers GLOBAL PROPERTY AQPIM_LIBRARIES)
    list(REVERSE layers)
    foreach(layer engine channel)
      add_executable(${layer}_bench EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/tb/${layer}/${layer}_bench.cpp)
      target_link_libraries(${layer}_bench PRIVATE ${layers} aqpim_options benchmark::benchmark)
    endforeach()
    # Engines of one rank alone: half of those that a pseudo-channel has.
    foreach(name pq4 pq8)
      if(name IN_LIST AQPIM_CONFIGURATIONS)
        aqpim_channel(bench ${name}-1-one-rank CONFIG ${name} MEMORY ${AQPIM_MEMORY} BANKS_PER_ENGINE 1 PARAMS Ranks=1)
      endif()
    endforeach()
    aqpim_channel_registry(bench bench_channel_builds tb/channel/bench_channels.h sources models)
    target_sources(channel_bench PRIVATE ${sources})
    target_compile_definitions(channel_bench PRIVATE AQPIM_MEMORY="${AQPIM_MEMORY}")
    target_link_libraries(channel_bench PRIVATE aqpim_channel_models ${models})
    foreach(name IN LISTS AQPIM_CONFIGURATIONS)
      add_dependencies(channel_bench channel_${name}-1 channel_${name}-2)
    endforeach()
  endif()

  if(NOT doctest_FOUND)
    return()
  endif()
  # What has no RTL in it runs with the tests of the software: the test bench's memory and host commands.
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/sw/*_test.cpp)
  file(GLOB bench_sources CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/tb/memory/*_test.cpp ${PROJECT_SOURCE_DIR}/tb/channel/host_*_test.cpp)
  list(APPEND sources ${bench_sources})
  # What takes its time with code that the others reach, too.
  set(long_sources ${sources})
  list(FILTER long_sources INCLUDE REGEX "_long_test\\.cpp$")
  list(REMOVE_ITEM sources ${long_sources})
  aqpim_add_doctest(long_tests ${long_sources})
  aqpim_add_doctest(sw_tests ${sources})
  aqpim_compile_fast(sw_tests)
  file(GLOB sources CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/tb/common/*_test.cpp ${PROJECT_SOURCE_DIR}/tb/engine/*_test.cpp
    ${PROJECT_SOURCE_DIR}/tb/reducer/*_test.cpp)
  if(sources AND EXISTS ${PROJECT_SOURCE_DIR}/rtl/engine/pq_engine.sv)
    aqpim_add_doctest(engine_tests ${sources})
  endif()
  if(EXISTS ${PROJECT_SOURCE_DIR}/tb/unit/CMakeLists.txt)
    add_subdirectory(tb/unit)
  endif()
  add_subdirectory(tb/channel)
endfunction()
