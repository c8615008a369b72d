// The least that needs headers, Boost.JSON and C++20: a value there and back.
#include <tasker/base/config.hpp>
#include <tasker/model/codec.hpp>

#include <string_view>
#include <vector>

static_assert(std::string_view{TASKER_VERSION}.size() >= 5);

int main()
{
    using numbers = tasker::codec<std::vector<int>>;
    std::vector<int> const sent{1, 2, 3};
    return numbers::decode(numbers::encode(sent)) == sent ? 0 : 1;
}
