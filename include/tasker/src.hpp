#pragma once

// Included by exactly one source of a program that defines TASKER_SEPARATE_COMPILATION: the engine is compiled there.

#include <tasker/engine.ipp>
