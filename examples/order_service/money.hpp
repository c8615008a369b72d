#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace order_service {

/// `1,234.50 EUR`
inline std::string money(std::int64_t cents, std::string const& currency)
{
    std::string whole = std::to_string(cents / 100);
    for (std::size_t at = whole.size(); at > 3; at -= 3)
        whole.insert(at - 3, ",");
    char fraction[8];
    std::snprintf(fraction, sizeof fraction, ".%02d ", static_cast<int>(cents % 100));
    return whole + fraction + currency;
}

} // namespace order_service
