// SPDX-License-Identifier: Apache-2.0
//
// Functional coverage: named bins, and crosses of them, each with a minimum of hits. A bin below
// its minimum fails the run that was to reach it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace aqpim::tb {

// The bins of one question: one axis of named bins, or the cross of several axes.
class CoverPoint {
 public:
  using Axis = std::vector<std::string>;

  // Throws std::invalid_argument if an axis is empty.
  CoverPoint(std::string name, std::vector<Axis> axes, std::uint64_t minimum);

  // Counts one hit of the bin with these positions on the axes. Throws std::out_of_range.
  void hit(std::initializer_list<std::size_t> bin) { ++hits_.at(position(bin)); }
  void hit(std::size_t bin) { hit({bin}); }

  // Takes a bin that cannot occur out of the count; hitting it is still allowed.
  CoverPoint& ignore(std::initializer_list<std::size_t> bin);
  // The same for all bins, or for those with position `index` on axis `axis`.
  void ignore_all() { ignored_.assign(ignored_.size(), true); }
  void ignore_all(std::size_t axis, std::size_t index);

  const std::string& name() const { return name_; }
  std::uint64_t minimum() const { return minimum_; }
  std::size_t bins() const;     // without ignored ones
  std::size_t reached() const;  // of these, those with at least `minimum` hits
  std::uint64_t hits(std::initializer_list<std::size_t> bin) const {
    return hits_.at(position(bin));
  }
  // Adds the hits of a point with the same bins.
  void add(const CoverPoint& other);

  // "a 12, b × c 3", and the names of those below their minimum.
  std::string counts() const;
  std::vector<std::string> missing() const;

 private:
  std::size_t position(std::initializer_list<std::size_t> bin) const;
  std::string bin_name(std::size_t position) const;

  std::string name_;
  std::vector<Axis> axes_;
  std::uint64_t minimum_;
  std::vector<std::uint64_t> hits_;  // last axis fastest
  std::vector<bool> ignored_;
};

// All questions about one design under test.
class Coverage {
 public:
  explicit Coverage(std::string name) : name_(std::move(name)) {}

  // The reference stays valid.
  CoverPoint& add(std::string name, std::vector<CoverPoint::Axis> axes, std::uint64_t minimum = 1);
  CoverPoint& add(std::string name, std::initializer_list<const char*> bins,
                  std::uint64_t minimum = 1);

  // Adds the hits of another object with the same points.
  void add(const Coverage& other);

  std::size_t bins() const;
  std::size_t reached() const;
  bool complete() const { return reached() == bins(); }

  // One line per point, after a line with the totals.
  std::string report() const;
  // "point: bin has 0 of 1 hits", one line each; empty if complete.
  std::string missing() const;

 private:
  std::string name_;
  std::deque<CoverPoint> points_;
};

}  // namespace aqpim::tb
