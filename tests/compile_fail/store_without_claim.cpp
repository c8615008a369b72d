// error: constraint
#include <tasker/store/any_store.hpp>

struct half_a_store {
    bool blocks() const { return false; }
    void migrate() {}
};

int main()
{
    tasker::any_store const store{half_a_store{}};
}
