# cmake -DROOT=<repository> -P check_conventions.cmake: fails when a file breaks a habit that a machine can check.
cmake_minimum_required(VERSION 3.25)
if(NOT IS_DIRECTORY "${ROOT}/include")
    message(FATAL_ERROR "Say -DROOT=<the repository>.")
endif()
include("${CMAKE_CURRENT_LIST_DIR}/complaints.cmake")

set(self "^cmake/(check_conventions|check_self_tests)") # these spell what they forbid
set(header_lines 400)
set(function_lines 40)

# rule(FILES <regex> [EXCEPT <regex>] CODE|TEXT <regex> [APART <regex>] SAYS <message>): a file whose path matches FILES and
# not EXCEPT may not match the regex, what matches APART left out. CODE looks at the file without its // comments.
set(rules 0)
function(rule)
    cmake_parse_arguments(PARSE_ARGV 0 rule "" "FILES;EXCEPT;CODE;TEXT;APART;SAYS" "")
    math(EXPR rules "${rules} + 1")
    set(rules ${rules} PARENT_SCOPE)
    set(rule_${rules}_files "${rule_FILES}" PARENT_SCOPE)
    set(rule_${rules}_except "${rule_EXCEPT}" PARENT_SCOPE)
    set(rule_${rules}_code "${rule_CODE}" PARENT_SCOPE)
    set(rule_${rules}_text "${rule_TEXT}" PARENT_SCOPE)
    set(rule_${rules}_apart "${rule_APART}" PARENT_SCOPE)
    set(rule_${rules}_says "${rule_SAYS}" PARENT_SCOPE)
endfunction()

set(library "^include/")
set(sources "\\.(hpp|ipp|cpp)$")
set(before "(^|[^A-Za-z0-9_])")
set(after "([^A-Za-z0-9_]|$)")

rule(FILES "." TEXT "${before}(TODO|FIXME|XXX|HACK)${after}"
    SAYS "finish it or leave it out; there are no marks for later")
rule(FILES "${sources}"
    CODE "${before}(class|struct|namespace|concept|enum) +([a-z]+::)*[A-Za-z_]*([Mm]anager|[Hh]elper|[Uu]til|[Mm]isc|[Cc]ommon|Impl)"
    SAYS "name the thing for what it does")
rule(FILES "${sources}" CODE "asio::detached|asio/detached\\.hpp"
    SAYS "detached swallows exceptions; give a completion handler")
rule(FILES "${sources}" CODE "catch *\\( *\\.\\.\\. *\\)[ \n]*{[ \n]*}"
    SAYS "an exception vanishes here; handle it or let it through")
rule(FILES "${library}" CODE "# *include *<boost/(asio|json|beast)\\.hpp>"
    SAYS "include the headers that are used, not the umbrella")
rule(FILES "${library}" EXCEPT "/runtime/clock\\.hpp$" CODE "::now\\(\\)"
    SAYS "time is an argument; only runtime/clock.hpp asks for it")
rule(FILES "${library}" EXCEPT "/runtime/(clock|parker)\\.hpp$" CODE "(steady|system|high_resolution|waitable)_timer"
    SAYS "only runtime/clock.hpp and runtime/parker.hpp own timers")
rule(FILES "(${library}|^tests/(unit|scenarios|conformance)/)"
    CODE "this_thread::sleep|${before}(usleep|nanosleep) *\\(|[^a-z]::sleep\\("
    SAYS "nothing sleeps here; time is virtual")
rule(FILES "^tests/(unit|scenarios)/" CODE "elapsed *>"
    SAYS "virtual durations are exact: compare with ==")
rule(FILES "^tests/" CODE "TEST_CASE\\([ \n]*\"[^ \"]*\""
    SAYS "a test's name is a sentence that states the property")
set(statement "select |insert into |update [a-z_]+ set |delete from |create [a-z ]*(table|index|trigger) |alter table |drop |pragma |begin ")
string(TOUPPER "${statement}" upper_statement)
string(REPLACE "[A-Z_]+" "[A-Za-z_]+" upper_statement "${upper_statement}")
rule(FILES "${library}" EXCEPT "/store/sql/" CODE "\"([a-z]*\\()?[ \n]*(${statement}|${upper_statement})"
    SAYS "SQL stands in store/sql/ only")
rule(FILES "${library}"
    CODE "[(,][ \n]*(const )?bool( const)? +[a-z_]+ *(= *(true|false) *)?[,)]"
    APART "bool holds" # the condition of an assertion
    SAYS "a boolean parameter says nothing at the call; make it an enum or two functions")
rule(FILES "^include/" EXCEPT "/model/|/row_mapping\\.hpp$"
    CODE "[=!]= *\"(pending|in_progress|complete|error|cancelled|resolved_manually)\""
    SAYS "states are enumerators; their texts belong to row_mapping and JSON")
rule(FILES "${sources}"
    TEXT "\n *// *([A-Za-z_][A-Za-z0-9_:<>.-]*\\([^\n]*\\)|[a-z][^\n]* = [^\n]*|return [^\n]*|}|{) *; *\n"
    SAYS "code is deleted, not commented out")

# Where in the file the text stands: the number of its first line that matches, or of the match's beginning.
function(line_of content regex variable)
    string(REGEX MATCH "${regex}" found "${content}")
    string(FIND "${content}" "${found}" position)
    string(SUBSTRING "${content}" 0 ${position} head)
    string(REGEX REPLACE "[^\n]" "" head "${head}")
    if(found MATCHES "^\n")
        string(APPEND head "\n")
    endif()
    string(LENGTH "${head}" lines)
    math(EXPR lines "${lines} + 1")
    set(${variable} ${lines} PARENT_SCOPE)
endfunction()

function(check_rules path text)
    string(REGEX REPLACE "//[^\n]*" "" code "${text}")
    foreach(number RANGE 1 ${rules})
        set(except "${rule_${number}_except}")
        if(NOT path MATCHES "${rule_${number}_files}" OR (except AND path MATCHES "${except}"))
            continue()
        endif()
        foreach(view code text)
            set(regex "${rule_${number}_${view}}")
            set(looked_at "${${view}}")
            if(rule_${number}_apart)
                string(REGEX REPLACE "${rule_${number}_apart}" "" looked_at "${looked_at}")
            endif()
            if(regex AND looked_at MATCHES "${regex}")
                line_of("${looked_at}" "${regex}" line)
                complain("${path}:${line}: ${rule_${number}_says}")
            endif()
        endforeach()
    endforeach()
endfunction()

# Catch2 lists no test at all of a program with two of one name, and ctest cannot run one with a `;` in its name.
set(test_names)
function(check_test_names path text)
    string(REGEX REPLACE "[][]" "_" text "${text}")
    if(text MATCHES "TEST_CASE\\(\"[^\"\n]*;")
        line_of("${text}" "TEST_CASE\\(\"[^\"\n]*;" line)
        complain("${path}:${line}: a test's name must not hold a semicolon: ctest would not run it")
    endif()
    string(REPLACE ";" "," text "${text}")
    string(REGEX MATCHALL "TEST_CASE\\(\"[^\"\n]*\"" names "${text}")
    foreach(name IN LISTS names)
        if(name IN_LIST test_names)
            complain("${path}:1: there are two tests called ${name}: Catch2 would list none")
        endif()
        list(APPEND test_names "${name}")
    endforeach()
    set(test_names "${test_names}" PARENT_SCOPE)
endfunction()

# A function's braces stand alone on their lines, in one column: the formatter sees to it.
function(check_lengths path text)
    string(REGEX REPLACE "[][;]" "" text "${text}")
    string(REPLACE "\n" ";" lines "${text}")
    list(LENGTH lines count)
    math(EXPR count "${count} - 1")
    if(count GREATER header_lines)
        complain("${path}:${count}: a header has at most ${header_lines} lines; split it by its nouns")
    endif()
    set(number 0)
    foreach(line IN LISTS lines)
        math(EXPR number "${number} + 1")
        if(line MATCHES "^( *){$")
            string(LENGTH "${line}" column)
            set(opened_${column} ${number})
        elseif(line MATCHES "^( *)}$")
            string(LENGTH "${line}" column)
            if(opened_${column})
                math(EXPR length "${number} - ${opened_${column}} - 1")
                if(length GREATER_EQUAL function_lines)
                    complain("${path}:${opened_${column}}: this function has ${length} lines; keep it under ${function_lines}")
                endif()
                unset(opened_${column})
            endif()
        endif()
    endforeach()
endfunction()

file(GLOB_RECURSE files RELATIVE "${ROOT}"
    "${ROOT}/include/*" "${ROOT}/tests/*" "${ROOT}/examples/*" "${ROOT}/benchmarks/*" "${ROOT}/cmake/*")
file(GLOB at_the_root RELATIVE "${ROOT}" "${ROOT}/README.md" "${ROOT}/CMakeLists.txt")
list(APPEND files ${at_the_root})
list(LENGTH files count)
if(count EQUAL 0)
    message(FATAL_ERROR "There is nothing to check in ${ROOT}.")
endif()
foreach(path IN LISTS files)
    get_filename_component(name "${path}" NAME)
    if(name MATCHES "(^|[_.-])(manager|helper|util|common|misc|impl)s?([_.-]|$)")
        complain("${path}:1: name the file for the noun it holds")
    endif()
    if(path MATCHES "${self}" OR NOT path MATCHES "\\.(hpp|ipp|cpp|md|txt|cmake|sh|in)$|/run$")
        continue()
    endif()
    file(READ "${ROOT}/${path}" text)
    check_rules("${path}" "${text}")
    if(path MATCHES "^tests/.*\\.cpp$")
        check_test_names("${path}" "${text}")
    endif()
    if(path MATCHES "^include/")
        check_lengths("${path}" "${text}")
        if(NOT text MATCHES "#pragma once")
            complain("${path}:1: a header begins with #pragma once")
        endif()
    endif()
endforeach()
report_complaints("Conventions in ${count} files")
