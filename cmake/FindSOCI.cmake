# Finds SOCI, which Debian ships without a CMake package.
#
# find_package(SOCI [version] [COMPONENTS sqlite3 postgresql ...]) defines SOCI_FOUND, SOCI_VERSION and the imported
# targets SOCI::core and SOCI::<component>.
include(FindPackageHandleStandardArgs)

find_path(SOCI_INCLUDE_DIR soci/soci.h)
find_library(SOCI_core_LIBRARY soci_core)
mark_as_advanced(SOCI_INCLUDE_DIR SOCI_core_LIBRARY)

if(EXISTS "${SOCI_INCLUDE_DIR}/soci/version.h")
    file(STRINGS "${SOCI_INCLUDE_DIR}/soci/version.h" soci_version REGEX "define SOCI_LIB_VERSION")
    string(REGEX REPLACE ".*\"(.*)\".*" "\\1" soci_version "${soci_version}")
    string(REPLACE "_" "." SOCI_VERSION "${soci_version}")
endif()

foreach(component IN LISTS SOCI_FIND_COMPONENTS)
    find_library(SOCI_${component}_LIBRARY soci_${component})
    find_path(SOCI_${component}_INCLUDE_DIR soci/${component}/soci-${component}.h HINTS "${SOCI_INCLUDE_DIR}")
    mark_as_advanced(SOCI_${component}_LIBRARY SOCI_${component}_INCLUDE_DIR)
    if(SOCI_${component}_LIBRARY AND SOCI_${component}_INCLUDE_DIR)
        set(SOCI_${component}_FOUND TRUE)
    endif()
endforeach()

find_package_handle_standard_args(SOCI
    REQUIRED_VARS SOCI_core_LIBRARY SOCI_INCLUDE_DIR
    VERSION_VAR SOCI_VERSION
    HANDLE_COMPONENTS)

if(SOCI_FOUND AND NOT TARGET SOCI::core)
    add_library(SOCI::core UNKNOWN IMPORTED)
    set_target_properties(SOCI::core PROPERTIES
        IMPORTED_LOCATION "${SOCI_core_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${SOCI_INCLUDE_DIR}"
        INTERFACE_LINK_LIBRARIES "${CMAKE_DL_LIBS}")
endif()
foreach(component IN LISTS SOCI_FIND_COMPONENTS)
    if(SOCI_FOUND AND SOCI_${component}_FOUND AND NOT TARGET SOCI::${component})
        add_library(SOCI::${component} UNKNOWN IMPORTED)
        set_target_properties(SOCI::${component} PROPERTIES
            IMPORTED_LOCATION "${SOCI_${component}_LIBRARY}"
            INTERFACE_INCLUDE_DIRECTORIES "${SOCI_${component}_INCLUDE_DIR}"
            INTERFACE_LINK_LIBRARIES SOCI::core)
    endif()
endforeach()
