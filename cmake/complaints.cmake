# complain(<message>) gathers what a check finds; report_complaints(<what>) ends the script: with an error if there is any.
function(complain message)
    set_property(GLOBAL APPEND_STRING PROPERTY complaints "  ${message}\n")
endfunction()

function(report_complaints what)
    get_property(complaints GLOBAL PROPERTY complaints)
    if(complaints)
        message(NOTICE "${complaints}")
        message(FATAL_ERROR "${what}: see above.")
    endif()
    message(STATUS "${what}: all is well.")
endfunction()
