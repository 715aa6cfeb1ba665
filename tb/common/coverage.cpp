// SPDX-License-Identifier: Apache-2.0
#include "tb/common/coverage.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <stdexcept>

namespace aqpim::tb {

CoverPoint::CoverPoint(std::string name, std::vector<Axis> axes, std::uint64_t minimum)
    : name_(std::move(name)), axes_(std::move(axes)), minimum_(minimum) {
  const std::size_t bins =
      std::transform_reduce(axes_.begin(), axes_.end(), std::size_t{1}, std::multiplies<>(),
                            [](const Axis& axis) { return axis.size(); });
  if (axes_.empty() || bins == 0) {
    throw std::invalid_argument(fmt::format("cover point {} has no bins", name_));
  }
  hits_.assign(bins, 0);
  ignored_.assign(bins, false);
}

std::size_t CoverPoint::position(std::initializer_list<std::size_t> bin) const {
  if (bin.size() != axes_.size()) {
    throw std::out_of_range(fmt::format("cover point {} has {} axes", name_, axes_.size()));
  }
  std::size_t result = 0;
  auto axis = axes_.begin();
  for (const std::size_t index : bin) {
    if (index >= axis->size()) {
      throw std::out_of_range(fmt::format("cover point {} has no bin {}", name_, index));
    }
    result = result * axis->size() + index;
    ++axis;
  }
  return result;
}

CoverPoint& CoverPoint::ignore(std::initializer_list<std::size_t> bin) {
  ignored_.at(position(bin)) = true;
  return *this;
}

void CoverPoint::ignore_all(std::size_t axis, std::size_t index) {
  if (index >= axes_.at(axis).size()) {
    throw std::out_of_range(fmt::format("cover point {} has no bin {}", name_, index));
  }
  std::size_t stride = 1;
  for (std::size_t inner = axis + 1; inner < axes_.size(); ++inner) stride *= axes_[inner].size();
  for (std::size_t i = 0; i < ignored_.size(); ++i) {
    if (i / stride % axes_[axis].size() == index) ignored_[i] = true;
  }
}

std::size_t CoverPoint::bins() const {
  return static_cast<std::size_t>(std::ranges::count(ignored_, false));
}

std::size_t CoverPoint::reached() const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < hits_.size(); ++i) count += !ignored_[i] && hits_[i] >= minimum_;
  return count;
}

void CoverPoint::add(const CoverPoint& other) {
  if (other.name_ != name_ || other.axes_ != axes_) {
    throw std::invalid_argument(fmt::format("cover points {} and {} differ", name_, other.name_));
  }
  for (std::size_t i = 0; i < hits_.size(); ++i) hits_[i] += other.hits_[i];
}

std::string CoverPoint::bin_name(std::size_t position) const {
  std::string name;
  for (auto axis = axes_.rbegin(); axis != axes_.rend(); ++axis) {
    const std::string& part = (*axis)[position % axis->size()];
    name = name.empty() ? part : part + " × " + name;
    position /= axis->size();
  }
  return name;
}

std::string CoverPoint::counts() const {
  std::string text;
  for (std::size_t i = 0; i < hits_.size(); ++i) {
    if (ignored_[i]) continue;
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", bin_name(i), hits_[i]);
  }
  return text;
}

std::vector<std::string> CoverPoint::missing() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < hits_.size(); ++i) {
    if (!ignored_[i] && hits_[i] < minimum_) {
      names.push_back(fmt::format("{} has {} of {} hits", bin_name(i), hits_[i], minimum_));
    }
  }
  return names;
}

CoverPoint& Coverage::add(std::string name, std::vector<CoverPoint::Axis> axes,
                          std::uint64_t minimum) {
  return points_.emplace_back(std::move(name), std::move(axes), minimum);
}

CoverPoint& Coverage::add(std::string name, std::initializer_list<const char*> bins,
                          std::uint64_t minimum) {
  return add(std::move(name), {CoverPoint::Axis(bins.begin(), bins.end())}, minimum);
}

void Coverage::add(const Coverage& other) {
  if (other.points_.size() != points_.size()) {
    throw std::invalid_argument(fmt::format("{} and {} differ", name_, other.name_));
  }
  for (std::size_t i = 0; i < points_.size(); ++i) points_[i].add(other.points_[i]);
}

std::size_t Coverage::bins() const {
  return std::transform_reduce(points_.begin(), points_.end(), std::size_t{0}, std::plus<>(),
                               [](const CoverPoint& point) { return point.bins(); });
}

std::size_t Coverage::reached() const {
  return std::transform_reduce(points_.begin(), points_.end(), std::size_t{0}, std::plus<>(),
                               [](const CoverPoint& point) { return point.reached(); });
}

std::string Coverage::report() const {
  std::string text = fmt::format("coverage of {}: {} of {} bins\n", name_, reached(), bins());
  for (const CoverPoint& point : points_) {
    text += fmt::format("  {}: {}\n", point.name(), point.counts());
  }
  return text;
}

std::string Coverage::missing() const {
  std::string text;
  for (const CoverPoint& point : points_) {
    for (const std::string& bin : point.missing()) {
      text += fmt::format("{}: {}: {}\n", name_, point.name(), bin);
    }
  }
  return text;
}

}  // namespace aqpim::tb
