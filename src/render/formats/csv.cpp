#include "results/csv.hpp"

#include <memory>

#include "render/formats.hpp"
#include "results/file_sink.hpp"

namespace flashcore {

const OutputFormat kCsv = {.name = "csv",
                           .meaning = "a row per record, for spreadsheets",
                           .extensions = {".csv"},
                           .by_default = true,
                           .file_kind = FileKind::csv,
                           .run = [](const RunOutput& output) -> std::unique_ptr<Sink> {
                             return std::make_unique<CsvSink>(output.file);
                           },
                           .results =
                               [](const ResultsOutput& output) {
                                 std::string text = csv_header();
                                 for (const ResultFile& file : output.files) {
                                   for (const Record& record : file.records) text += csv_row(record);
                                 }
                                 return text;
                               }};

}  // namespace flashcore
