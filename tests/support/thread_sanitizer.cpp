// What ThreadSanitizer is to overlook in every test program: two ways of counting references that it cannot see through.

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TASKER_UNDER_THREAD_SANITIZER 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define TASKER_UNDER_THREAD_SANITIZER 1
#endif

#ifdef TASKER_UNDER_THREAD_SANITIZER
extern "C" char const* __tsan_default_suppressions();
extern "C" char const* __tsan_default_suppressions()
{
    return
        // libstdc++ counts the holders of an exception in code that is not instrumented: the last, who frees it, seems to
        // race with those who read it before
        "race:std::__exception_ptr::exception_ptr::_M_release\n"
        // Asio has a fence between the last decrement and the delete, and TSan knows no fences
        "race:boost::asio::execution::detail::shared_target_executor::~shared_target_executor\n";
}
#endif
