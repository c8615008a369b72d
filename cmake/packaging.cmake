# What `cmake --install` copies: the headers, the package for find_package (see taskerConfig.cmake.in), and a file for
# pkg-config for each of tasker, tasker-sqlite and tasker-postgres. Everything may be moved after the installation.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Headers only, hence no folder of one architecture.
set(tasker_package_folder "${CMAKE_INSTALL_DATADIR}/cmake/tasker")
set(tasker_made_folder "${CMAKE_CURRENT_BINARY_DIR}/package")

install(DIRECTORY include/tasker DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/tasker")

target_include_directories(tasker INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set_target_properties(tasker_testing PROPERTIES EXPORT_NAME testing)
install(TARGETS tasker tasker_testing EXPORT taskerTargets)
install(EXPORT taskerTargets NAMESPACE tasker:: DESTINATION "${tasker_package_folder}")
configure_package_config_file(cmake/taskerConfig.cmake.in "${tasker_made_folder}/taskerConfig.cmake"
    INSTALL_DESTINATION "${tasker_package_folder}"
    NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file("${tasker_made_folder}/taskerConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
    "${tasker_made_folder}/taskerConfig.cmake" "${tasker_made_folder}/taskerConfigVersion.cmake"
    cmake/tasker_stores.cmake cmake/FindSOCI.cmake
    DESTINATION "${tasker_package_folder}")

# ---- pkg-config

# Where a library's headers and files are, as options of the compiler; nothing for the places where it looks anyway.
function(tasker_options_of target includes_variable links_variable)
    set(includes)
    set(links)
    get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
    foreach(folder IN LISTS folders)
        if(folder AND NOT folder IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
            list(APPEND includes "-I${folder}")
        endif()
    endforeach()
    foreach(property IMPORTED_LOCATION IMPORTED_LOCATION_RELEASE IMPORTED_LOCATION_NONE IMPORTED_LOCATION_DEBUG)
        get_target_property(file ${target} ${property})
        if(file)
            get_filename_component(folder "${file}" DIRECTORY)
            get_filename_component(name "${file}" NAME_WE)
            string(REGEX REPLACE "^lib" "" name "${name}")
            if(NOT folder IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
                list(APPEND links "-L${folder}")
            endif()
            list(APPEND links "-l${name}")
            break()
        endif()
    endforeach()
    set(${includes_variable} ${includes} PARENT_SCOPE)
    set(${links_variable} ${links} PARENT_SCOPE)
endfunction()

# tasker_install_pkgconfig(<name> <description> <requires> <own cflags> <own libs> <target>...): the targets are what
# pkg-config does not know of.
function(tasker_install_pkgconfig name description requires cflags libs)
    set(folder "${CMAKE_INSTALL_DATADIR}/pkgconfig")
    file(RELATIVE_PATH tasker_pc_prefix "/prefix/${folder}" "/prefix")
    string(REGEX REPLACE "/$" "" tasker_pc_prefix "${tasker_pc_prefix}")
    set(tasker_pc_include "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
    if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
        set(tasker_pc_include "${CMAKE_INSTALL_INCLUDEDIR}")
    endif()
    set(tasker_pc_name ${name})
    set(tasker_pc_description "${description}")
    set(tasker_pc_requires "${requires}")
    set(tasker_pc_cflags ${cflags})
    set(tasker_pc_libs)
    foreach(target IN LISTS ARGN)
        tasker_options_of(${target} includes links)
        list(APPEND tasker_pc_cflags ${includes})
        list(APPEND tasker_pc_libs ${links})
    endforeach()
    list(APPEND tasker_pc_libs ${libs})
    list(REMOVE_DUPLICATES tasker_pc_cflags)
    list(JOIN tasker_pc_cflags " " tasker_pc_cflags)
    list(JOIN tasker_pc_libs " " tasker_pc_libs)
    configure_file(cmake/tasker.pc.in "${tasker_made_folder}/${name}.pc" @ONLY)
    install(FILES "${tasker_made_folder}/${name}.pc" DESTINATION "${folder}")
endfunction()

tasker_install_pkgconfig(tasker "${PROJECT_DESCRIPTION}" "" "-I\${includedir}" "-pthread" Boost::headers Boost::json)
if(TARGET tasker_sqlite)
    tasker_install_pkgconfig(tasker-sqlite "The SQLite store of tasker" "tasker = ${PROJECT_VERSION}, sqlite3" "" ""
        SOCI::sqlite3 SOCI::core)
endif()
if(TARGET tasker_postgres)
    tasker_install_pkgconfig(tasker-postgres "The PostgreSQL store of tasker" "tasker = ${PROJECT_VERSION}, libpq" "" ""
        SOCI::postgresql SOCI::core)
endif()
