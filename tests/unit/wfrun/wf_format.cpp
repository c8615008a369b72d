#include "../examples/wfrun/wf_format.hpp"
#include "support/catch.hpp"
#include "support/scratch_directory.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

std::filesystem::path const shipped = TASKER_SOURCE_DIRECTORY "/examples/wfrun/coastline-atlas.json";

/// a -> b -> d, a -> c -> d
constexpr std::string_view diamond = R"({"name": "diamond", "schemaVersion": "1.5", "workflow": {
    "specification": {"tasks": [
        {"name": "cut_ID01", "id": "a", "parents": [], "children": ["b", "c"], "inputFiles": ["x"]},
        {"name": "sew_ID02", "id": "b", "parents": ["a"], "children": ["d"]},
        {"name": "sew_ID03", "id": "c", "parents": ["a"], "children": ["d"]},
        {"name": "pack",     "id": "d", "parents": ["b", "c"], "children": []}],
        "files": [{"id": "x", "sizeInBytes": 7}]},
    "execution": {"makespanInSeconds": 9, "executedAt": "2026-05-12T06:02:11Z", "tasks": [
        {"id": "a", "runtimeInSeconds": 1.5}, {"id": "b", "runtimeInSeconds": 2},
        {"id": "c", "runtimeInSeconds": 0.25}, {"id": "d", "runtimeInSeconds": 1e-6}]}}})";

/// The diamond, changed by hand.
class changed_file {
public:
    json::array& tasks() { return part("specification"); }
    json::array& entries() { return part("execution"); }
    json::object& root() { return document_.as_object(); }
    std::string text() const { return json::serialize(document_); }

private:
    json::array& part(std::string_view name) { return document_.at("workflow").at(name).at("tasks").as_array(); }

    json::value document_ = json::parse(diamond);
};

std::string refusal_of(std::string_view text)
{
    try {
        static_cast<void>(wfrun::wf_reader{text}.read());
    } catch (wfrun::bad_file const& problem) {
        return problem.what();
    }
    return "it was read";
}

/// What is said of the diamond after `change`.
std::string refusal_after(std::function<void(changed_file&)> const& change)
{
    changed_file file;
    change(file);
    return refusal_of(file.text());
}

} // namespace

TEST_CASE("a WfFormat 1.5 file becomes tasks, run times to the microsecond, and edges")
{
    auto const read = wfrun::wf_reader{diamond}.read();
    REQUIRE(read.tasks.size() == 4);
    CHECK(read.tasks[0].id == "a");
    CHECK(read.tasks[0].runtime == 1500ms);
    CHECK(read.tasks[1].runtime == 2s);
    CHECK(read.tasks[3].runtime == 1us);
    CHECK(read.tasks[1].category == "sew");
    CHECK(read.tasks[2].category == "sew");
    CHECK(read.work() == 3750001us);
    CHECK(read.shape.edges().size() == 4);
    CHECK(read.shape.parents(3).size() == 2);
    CHECK(read.shape.children(0).size() == 2);
}

TEST_CASE("the WfFormat file shipped with wfrun is read")
{
    auto const read = wfrun::read_instance(shipped);
    CHECK(read.name == "coastline-atlas");
    CHECK(read.tasks.size() == 58);
    CHECK(read.shape.edges().size() == 87);
}

TEST_CASE("a task's category is its name without the numbers at the end")
{
    CHECK(wfrun::category_of("mDiffFit_ID0000005") == "mDiffFit");
    CHECK(wfrun::category_of("cpuhog_forkjoin_00000001") == "cpuhog_forkjoin");
    CHECK(wfrun::category_of("map_s_1_sequence_12_ID0000002") == "map_s_1_sequence");
    CHECK(wfrun::category_of("bowtie2_ID0000003") == "bowtie2");
    CHECK(wfrun::category_of("SAREK.QC.MOSDEPTH") == "MOSDEPTH");
    CHECK(wfrun::category_of("12") == "12");
    CHECK(wfrun::category_of("_7") == "_7");
    CHECK(wfrun::category_of("ends.") == "ends.");
}

TEST_CASE("a file that names a task twice is refused, and both places are named")
{
    CHECK(refusal_after([](changed_file& file) { file.tasks()[2].at("id") = "a"; }) ==
          R"(workflow.specification.tasks[2].id: "a" is the id of workflow.specification.tasks[0] already; )"
          "give each task an id of its own");
}

TEST_CASE("a parent or child that is no task is refused by the path of its mention")
{
    CHECK(
        refusal_after([](changed_file& file) { file.tasks()[3].at("parents").as_array()[1] = "z"; }) ==
        R"(workflow.specification.tasks[3].parents[1]: the task "d" names "z" among its parents, and no task has that )"
        "id; correct the id, or add the task");
    CHECK(refusal_after([](changed_file& file) { file.tasks()[1].at("children").as_array()[0] = "z"; }) ==
          R"(workflow.specification.tasks[1].children[0]: the task "b" names "z" among its children, and no task has )"
          "that id; correct the id, or add the task");
}

TEST_CASE("a cycle is refused, and its path is spelled")
{
    auto const what = refusal_after([](changed_file& file) {
        file.tasks()[1].at("parents").as_array().emplace_back("d");
        file.tasks()[3].at("children").as_array().emplace_back("b");
    });
    CHECK(what == "workflow.specification.tasks: the steps form a cycle: b -> d -> b; none of these tasks could ever "
                  "start, so remove one of the edges");
    CHECK_THAT(refusal_after([](changed_file& file) {
                   file.tasks()[0].at("parents").as_array().emplace_back("a");
                   file.tasks()[0].at("children").as_array().emplace_back("a");
               }),
               support::contains("cycle: a -> a;"));
}

TEST_CASE("parents and children that contradict each other are refused by both places")
{
    CHECK(refusal_after([](changed_file& file) { file.tasks()[0].at("children").as_array().pop_back(); }) ==
          R"(workflow.specification.tasks[2].parents[0]: here the task "c" comes after "a", but )"
          R"(workflow.specification.tasks[0].children of "a" does not name "c"; make the two agree)");
    CHECK(refusal_after([](changed_file& file) { file.tasks()[3].at("parents").as_array().pop_back(); }) ==
          R"(workflow.specification.tasks[2].children[0]: here the task "d" comes after "c", but )"
          R"(workflow.specification.tasks[3].parents of "d" does not name "c"; make the two agree)");
}

TEST_CASE("another version of WfFormat is refused, and so is none")
{
    CHECK(refusal_after([](changed_file& file) { file.root().at("schemaVersion") = "1.4"; }) ==
          R"(schemaVersion: this is WfFormat "1.4", and wfrun reads "1.5" alone; convert the file, or get it in that )"
          "version");
    CHECK(refusal_after([](changed_file& file) { file.root().at("schemaVersion") = 1.5; }) ==
          "schemaVersion: this must be a text in quotes, but is of the JSON kind double; correct it");
    CHECK(refusal_after([](changed_file& file) { file.root().erase("schemaVersion"); }) ==
          R"(the document: "schemaVersion" is missing; WfFormat 1.5 needs it here, so complete the file)");
}

TEST_CASE("a run time that is negative, infinite, beyond a year or no number is refused by its task's id")
{
    auto const with = [](json::value const& runtime) {
        return refusal_after([&](changed_file& file) { file.entries()[1].at("runtimeInSeconds") = runtime; });
    };
    CHECK(with(-0.5) ==
          R"(workflow.execution.tasks[1].runtimeInSeconds: the task "b" cannot have run for -0.5 seconds; )"
          "it takes a number from 0 to 31622400, which is a year");
    CHECK_THAT(with(4e7), support::contains("for 4e+07 seconds"));
    CHECK_THAT(with("2"), support::contains("must be a number, but is of the JSON kind string"));
    CHECK(with(0) == "it was read");
    CHECK(with(31'622'400) == "it was read");

    std::string huge{diamond};
    huge.replace(huge.find("1e-6"), 4, "1e999"); // a number that JSON allows and no double holds
    CHECK_THAT(refusal_of(huge), support::contains("the task \"d\" cannot have run for inf seconds"));
    huge.replace(huge.find("1e999"), 5, "NaN");
    CHECK_THAT(refusal_of(huge), support::contains("line 10, column "));
}

TEST_CASE("every task must have exactly one entry in the execution, and every entry a task")
{
    CHECK(refusal_after([](changed_file& file) { file.entries().pop_back(); }) ==
          R"(workflow.execution.tasks: there is no entry for the task "d" (workflow.specification.tasks[3]); add one )"
          "with its runtimeInSeconds");
    CHECK(refusal_after([](changed_file& file) { file.entries()[3].at("id") = "a"; }) ==
          R"(workflow.execution.tasks[3].id: "a" has an entry already, workflow.execution.tasks[0]; keep one of them)");
    CHECK_THAT(refusal_after([](changed_file& file) { file.entries()[3].at("id") = "z"; }),
               support::contains(R"(workflow.execution.tasks[3].id: "z" is no task of)"));
    CHECK_THAT(refusal_after([](changed_file& file) { file.root().at("workflow").as_object().erase("execution"); }),
               support::contains("workflow: \"execution\" is missing, and without it nobody knows how long"));
    CHECK_THAT(refusal_after([](changed_file& file) { file.entries()[0].as_object().erase("runtimeInSeconds"); }),
               support::contains(R"(workflow.execution.tasks[0]: "runtimeInSeconds" is missing)"));
}

TEST_CASE("a file that is cut off anywhere is refused, and the place of its end is named")
{
    for (std::size_t length = 0; length < diamond.size(); ++length) {
        INFO("cut after " << length << " characters");
        REQUIRE_THAT(refusal_of(diamond.substr(0, length)), support::contains("line "));
    }
    CHECK(refusal_of("{\n \"name\": \"x\",\n") ==
          "line 3, column 1: the file ends here, in the middle of its JSON; it was cut off, so fetch it again");
}

TEST_CASE("what is no WfFormat at all is refused in a sentence")
{
    CHECK_THAT(refusal_of("{\"name\": oops}"), support::contains("line 1, column 1"));
    CHECK_THAT(refusal_of(std::string(diamond) + "}"), support::contains("this is not JSON"));
    CHECK(refusal_of("[]") == "the document: this must be an object, but is of the JSON kind array; correct it");
    CHECK_THAT(refusal_of(std::string(100, '[')), support::contains("line 1, column "));
    CHECK(refusal_after([](changed_file& file) { file.tasks().clear(); }) ==
          "workflow.specification.tasks: there are no tasks; a workflow needs at least one");
    CHECK_THAT(refusal_after([](changed_file& file) { file.tasks()[1] = 7; }),
               support::contains("workflow.specification.tasks[1]: this must be an object"));
    CHECK_THAT(refusal_after([](changed_file& file) { file.tasks()[1].at("id") = ""; }),
               support::contains("workflow.specification.tasks[1].id: an id has 1 to 128 characters, this one has 0"));
    CHECK_THAT(refusal_after([](changed_file& file) { file.tasks()[1].as_object().erase("children"); }),
               support::contains(R"(workflow.specification.tasks[1]: "children" is missing)"));
}

TEST_CASE("the sentence about a bad file begins with the file's name")
{
    support::scratch_directory const folder;
    auto const file = folder.path() / "cut.json";
    std::ofstream{file} << diamond.substr(0, 40);
    CHECK_THROWS_WITH(wfrun::read_instance(file), support::contains(file.string() + ": line 1, column 41: "));
    CHECK_THROWS_WITH(wfrun::read_instance(folder.path() / "none.json"), support::contains("none.json: there is no"));
    CHECK_THROWS_WITH(wfrun::read_instance(folder.path()), support::contains("no such file that can be read"));
}
