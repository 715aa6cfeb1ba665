# SPDX-License-Identifier: Apache-2.0
# Compiler, libraries and the options of all our own C++ (target aqpim_options; not for verilated code).

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
if(AQPIM_SANITIZE)
  set(CMAKE_CXX_FLAGS_RELEASE "-O1")
endif()
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(Threads REQUIRED)
if(NOT AQPIM_PYTHON)
  find_package(CLI11 REQUIRED)
  find_package(ZLIB REQUIRED)
endif()
# Only tests and benchmarks need these.
find_package(doctest QUIET)
find_package(benchmark QUIET)

add_library(aqpim_options INTERFACE)
target_compile_options(aqpim_options INTERFACE
  -Wall -Wextra
  # The same double precision results on machines that have fused multiply-add.
  -ffp-contract=off)
target_link_libraries(aqpim_options INTERFACE fmt::fmt nlohmann_json::nlohmann_json
  Threads::Threads)
if(AQPIM_SANITIZE)
  target_compile_options(aqpim_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1
    # False positives of g++ 12 in instrumented std::variant; the plain build has the warning.
    -Wno-maybe-uninitialized)
  target_link_options(aqpim_options INTERFACE -fsanitize=address,undefined)
endif()
