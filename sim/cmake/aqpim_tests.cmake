# SPDX-License-Identifier: Apache-2.0
# Programs of tests and of benchmarks.

# aqpim_add_doctest(<target> <source>...): a doctest binary of these sources, linked to all layers, in the folder tests
# of the build tree. AQPIM_SOURCE_DIR is the root of the repository.
function(aqpim_add_doctest target)
  add_executable(${target} EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/sim/test_main.cpp ${ARGN})
  aqpim_link_layers(${target} ${ARGN})
  target_link_libraries(${target} PRIVATE doctest::doctest)
  target_compile_definitions(${target} PRIVATE AQPIM_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  # Compiling tests takes longer than running them; what they test, and the models, are optimized as everywhere.
  set(tests ${ARGN})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set_property(SOURCE ${tests} APPEND PROPERTY COMPILE_OPTIONS -O0)
  set_property(TARGET ${target} PROPERTY RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
endfunction()

function(aqpim_tests)
  if(benchmark_FOUND)
    foreach(layer engine channel)
      set(source ${PROJECT_SOURCE_DIR}/tb/${layer}/${layer}_bench.cpp)
      add_executable(${layer}_bench EXCLUDE_FROM_ALL ${source})
      aqpim_link_layers(${layer}_bench ${source})
      target_link_libraries(${layer}_bench PRIVATE benchmark::benchmark)
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
  file(GLOB sources CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/tb/common/*_test.cpp ${PROJECT_SOURCE_DIR}/tb/engine/*_test.cpp
    ${PROJECT_SOURCE_DIR}/tb/reducer/*_test.cpp)
  aqpim_add_doctest(engine_tests ${sources})
  add_subdirectory(tb/unit)
  add_subdirectory(tb/channel)
endfunction()
