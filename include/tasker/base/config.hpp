#pragma once

// Version and compiler facts; nothing here depends on anything else.

#define TASKER_VERSION_MAJOR 0
#define TASKER_VERSION_MINOR 1
#define TASKER_VERSION_PATCH 0
#define TASKER_VERSION "0.1.0"

// With TASKER_SEPARATE_COMPILATION defined as 1 for the whole program, the engine is compiled once, in the one source that
// includes <tasker/src.hpp>; without, every source that uses it compiles it.
//
// A class that costs much to compile is a template of nothing, `template <class Lazy> class basic_journal`, behind its name,
// `using journal = basic_journal<void>`: a source compiles of it what it uses, and one that only includes it next to nothing.
// Its own body calls it basic_journal, all others journal. Heavy functions are `template <class = void>` for the same reason.
#ifndef TASKER_SEPARATE_COMPILATION
#define TASKER_SEPARATE_COMPILATION 0
#endif
#if TASKER_SEPARATE_COMPILATION
#define TASKER_INLINE
#else
#define TASKER_INLINE inline
#endif

// g++ before 13 destroys owning temporaries inside a co_await expression twice; the API refuses to compile there
// what it would break (see breaks_in_co_await in base/owning.hpp).
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#define TASKER_BREAKS_OWNING_TEMPORARIES 1
#else
#define TASKER_BREAKS_OWNING_TEMPORARIES 0
#endif
