// The main function of a fuzz target where there is no libFuzzer: tries each file of the folders it is given once.

#include "fuzz/target.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace {

void replay(std::filesystem::path const& file)
{
    std::ifstream stream{file, std::ios::binary};
    std::vector<char> const content{std::istreambuf_iterator<char>{stream}, {}};
    fuzz::require(stream.good() || stream.eof(), "every file can be read");
    std::printf("%s\n", file.c_str());
    std::fflush(stdout); // so that the last line names the input that ended the program
    LLVMFuzzerTestOneInput(reinterpret_cast<std::uint8_t const*>(content.data()), content.size());
}

} // namespace

int main(int argc, char* argv[])
{
    int tried = 0;
    for (int at = 1; at < argc; ++at)
        for (auto const& entry : std::filesystem::recursive_directory_iterator{argv[at]})
            if (entry.is_regular_file()) {
                replay(entry.path());
                ++tried;
            }
    std::printf("%d inputs tried\n", tried);
    return tried > 0 ? 0 : 1;
}
