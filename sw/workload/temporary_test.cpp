// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/temporary.h"

#include <doctest/doctest.h>
#include <spawn.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include "sw/config/test_support.h"

namespace {

namespace fs = std::filesystem;
using aqpim::test::TemporaryFolder;
using aqpim::workload::run_child;
using aqpim::workload::Temporary;

std::optional<int> run(const char* command) {
  const char* arguments[] = {"sh", "-c", command, nullptr};
  return run_child([&](pid_t& child) {
    return posix_spawnp(&child, "sh", nullptr, nullptr, const_cast<char**>(arguments), environ);
  });
}

}  // namespace

TEST_CASE("Temporary: it goes with its object, and so do folders made for it, unless kept") {
  const TemporaryFolder folder;
  const fs::path made = folder.path() / "a";
  for (const bool kept : {false, true}) {
    fs::create_directory(made);
    fs::path path;
    {
      Temporary temporary(made, Temporary::Kind::kFolder, {made});
      path = temporary.path();
      std::ofstream(path / "file") << "x";
      if (kept) temporary.keep();
    }
    CHECK_FALSE(fs::exists(path));
    CHECK(fs::exists(made) == kept);
  }
}

TEST_CASE("Temporary: a folder made for several goes with the last of them") {
  const TemporaryFolder folder;
  const fs::path made = folder.path() / "a";
  fs::create_directories(made / "b");
  fs::create_directories(made / "c");
  {
    const Temporary last(made / "c", Temporary::Kind::kFolder, {made / "c"});
    std::optional<Temporary> first(std::in_place, made / "b", Temporary::Kind::kFolder,
                                   std::vector{made, made / "b"});
    first.reset();
    CHECK_FALSE(fs::exists(made / "b"));
    CHECK(fs::exists(last.path()));
  }
  CHECK_FALSE(fs::exists(made));
}

TEST_CASE("Temporary: what nobody holds any more is removed, and nothing else") {
  const TemporaryFolder folder;
  const fs::path dead_folder = folder.path() / ".aqpim-dead01";
  const fs::path dead_file = folder.path() / ".aqpim-dead02";
  const fs::path other = folder.path() / ".aqpim-notes.txt";
  const fs::path link = folder.path() / ".aqpim-link03";
  fs::create_directories(dead_folder / "inside");
  std::ofstream(dead_file) << "x";
  std::ofstream(other) << "x";
  fs::create_directory_symlink(folder.path(), link);
  const Temporary alive(folder.path(), Temporary::Kind::kFolder);
  CHECK_FALSE(fs::exists(dead_folder));
  CHECK_FALSE(fs::exists(dead_file));
  CHECK(fs::exists(other));
  CHECK(fs::is_symlink(link));
  const Temporary file(folder.path(), Temporary::Kind::kFile);
  CHECK(fs::exists(alive.path()));
  CHECK(fs::exists(file.path()));
}

TEST_CASE(
    "run_child: the exit code of a child, −1 for a signal, none if there is no such program") {
  CHECK(run("exit 3") == 3);
  CHECK(run("kill -9 $$") == -1);
  CHECK(run_child([](pid_t&) { return 2; }) == std::nullopt);
}
