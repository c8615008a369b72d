#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tasker {

/// SHA-256 of bytes that arrive in pieces. After NIST FIPS 180-4, sections 4.1.2, 4.2.2, 5.1.1, 5.3.3 and 6.2.
class sha256 {
public:
    /// Adds `bytes` to the message.
    void append(std::string_view bytes)
    {
        length_ += bytes.size();
        for (char const byte : bytes)
            take(static_cast<std::uint8_t>(byte));
    }

    /// Ends the message: its hash as 64 lower-case hexadecimal digits.
    /// Preconditions: called once, and nothing is appended afterwards.
    std::string finish()
    {
        std::uint64_t const bits = length_ * 8;
        take(0x80);
        while (filled_ != 56)
            take(0);
        for (int shift = 56; shift >= 0; shift -= 8)
            take(static_cast<std::uint8_t>(bits >> shift));

        static constexpr char digits[] = "0123456789abcdef";
        std::string text;
        text.reserve(64);
        for (std::uint32_t const word : state_)
            for (int shift = 28; shift >= 0; shift -= 4)
                text += digits[(word >> shift) & 0xf];
        return text;
    }

private:
    void take(std::uint8_t byte)
    {
        block_[filled_++] = byte;
        if (filled_ == block_.size()) {
            compress();
            filled_ = 0;
        }
    }

    std::array<std::uint32_t, 64> schedule() const // 6.2.2, step 1
    {
        std::array<std::uint32_t, 64> words{};
        for (std::size_t at = 0; at < block_.size(); ++at)
            words[at / 4] = (words[at / 4] << 8) | block_[at];
        for (std::size_t at = 16; at < 64; ++at) {
            auto const a = words[at - 15];
            auto const b = words[at - 2];
            auto const sigma_0 = std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3);
            auto const sigma_1 = std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10);
            words[at] = words[at - 16] + sigma_0 + words[at - 7] + sigma_1;
        }
        return words;
    }

    void compress() // 6.2.2, steps 2 to 4
    {
        auto const words = schedule();
        auto [a, b, c, d, e, f, g, h] = state_;
        for (std::size_t at = 0; at < 64; ++at) {
            auto const sum_1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
            auto const sum_0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
            auto const first = h + sum_1 + ((e & f) ^ (~e & g)) + round_constants[at] + words[at];
            auto const second = sum_0 + ((a & b) ^ (a & c) ^ (b & c));
            h = g;
            g = f;
            f = e;
            e = d + first;
            d = c;
            c = b;
            b = a;
            a = first + second;
        }
        std::array<std::uint32_t, 8> const step{a, b, c, d, e, f, g, h};
        for (std::size_t at = 0; at < 8; ++at)
            state_[at] += step[at];
    }

    // 4.2.2: first 32 bits of the fractional parts of the cube roots of the first 64 primes
    static constexpr std::array<std::uint32_t, 64> round_constants{
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

    // 5.3.3: the same of the square roots of the first 8 primes
    std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::uint8_t, 64> block_{};
    std::size_t filled_ = 0;
    std::uint64_t length_ = 0;
};

/// The SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
inline std::string sha256_hex(std::string_view bytes)
{
    sha256 hash;
    hash.append(bytes);
    return hash.finish();
}

} // namespace tasker
