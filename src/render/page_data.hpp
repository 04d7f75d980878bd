// The data of the HTML page and of the JSON report: result files, each problem once.
#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "base/json.hpp"
#include "render/formats.hpp"

namespace flashcore {

// Serialises a part of the data.
using JsonText = std::string (*)(const Json&);

// What the data may have. Of more records it has, of each problem, the fastest of each family, the baseline, and those
// that failed. Of more samples it has those of these fastest records' headlines, as far as they go.
struct PageLimits {
  std::size_t records = std::numeric_limits<std::size_t>::max();
  std::size_t samples = 0;
};

// What a browser draws without a wait.
inline constexpr PageLimits kBrowserLimits = {.records = 20'000, .samples = 400'000};

// The text of an object, made record by record, so that it is never in memory as JSON:
// {"records": [{problem, variant, …, falls_short}],
//  "problems": [{file, sizes, curves: {same_batch, same_tokens}, name, …, flops, bytes, baseline, conclusion,
//                standing}],
//  "clocks": [{field, name}],
//  "families": [{name, role, label}],
//  "files": [{name, headline, conclusion: [sentence], cautions: [sentence], falls_short_means, records, statuses,
//             environment}],
//  "verdict": sentence, "comparison": {…}}
// "file", "problem" and "baseline" are places in these lists; a problem without a timed record has the baseline null.
// Sentences are those of render/conclusion_text.hpp; a problem's "conclusion" is null where there is nothing to
// compare. Its "standing" {clock, over: "peer"|"baseline", other, ratio, low, high, text, outcome:
// "won"|"tied"|"lost"} says the same for programs; it is absent where the fastest variant is the baseline itself.
// "falls_short" is there where it is true. A file's "records" counts all that it has, "statuses" by status. Files have
// short names (render/file_names.hpp), and absolute paths in their command lines are cut to their last part. "verdict"
// and "comparison" (render/comparison_output.hpp) are there with a base.
// Problems with the same name in "curves" are points of one curve over the sequence length. Other fields are those of
// result files, with numbers rounded to six significant digits; a "roofline" also has the "clock" that it is compared
// with.
//
// The baseline is the first timed match of `output.baseline`, or of the glob in the file's own config if that is empty,
// or else the first timed record.
std::string page_data(const ResultsOutput& output, const PageLimits& limits, JsonText text);

// JSON for a script element: ASCII, without characters that end the element or begin another, and without the line
// separators of Unicode, which end a line in old JavaScript.
std::string script_safe(const Json& json);

}  // namespace flashcore
