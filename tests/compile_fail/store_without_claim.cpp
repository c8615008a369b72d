// error: s.claim(claim)
#include <tasker/store/any_store.hpp>
#include <tasker/store/memory_store.hpp>

struct unclaimable_store : tasker::memory_store {
    void claim() = delete;
};

int main()
{
    tasker::any_store const store{unclaimable_store{}};
}
