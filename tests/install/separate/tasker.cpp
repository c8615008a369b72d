#include <tasker/src.hpp>
