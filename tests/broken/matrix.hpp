// Every broken kernel through diagnosis and through the normal check.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "broken/breaks.hpp"
#include "diagnose/diagnosis.hpp"
#include "execute/executor.hpp"

namespace flashcore::broken {

struct MatrixRow {
  Break which = Break::none;
  Diagnosis diagnosis;
  std::string seen_by;  // the first of normal_problems() whose check fails, empty: none

  bool as_expected() const;
};

struct NormalProblem {
  std::string name;
  Problem problem;
};

// What a careful person checks a kernel on: odd lengths, masks, grouped heads, gaps.
std::vector<NormalProblem> normal_problems();

MatrixRow examine(const Launcher& launcher, Executor& executor, const Variant& variant, Break which);

std::string to_table(const std::vector<MatrixRow>& rows);
Json to_json(const std::vector<MatrixRow>& rows);

}  // namespace flashcore::broken
