// A primary PostgreSQL that waits for its standby before it acknowledges a commit is killed under load, and the standby
// is promoted. The workers know both addresses and find the new primary by themselves; nothing acknowledged is lost. By
// hand, at full size, where each new primary gets a standby in its turn:
//
//     TASKER_CRASH_FAILOVERS=10 tasker_crash_failover

#include "support/catch.hpp"
#include "support/pg_session.hpp"

#include "outage_load.hpp"
#include "own_server.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>

namespace {

/// Two places for servers that swap their parts; each has its address for good.
class server_pair {
public:
    explicit server_pair(std::string const& programs)
        : primary_{std::make_unique<crash::own_server>(programs)}, standby_{
                                                                       std::make_unique<crash::own_server>(programs)}
    {
        primary_->initialize();
        primary_->start();
        follow();
    }

    /// Names both, whichever is the primary.
    std::string connection() const
    {
        return "host=" + primary_->folder() + "," + standby_->folder() +
               " port=5432,5432 dbname=postgres user=postgres target_session_attrs=read-write";
    }

    /// The last commits reach the standby, and nobody hears of it: their acknowledgements are held back.
    void fail_over()
    {
        auto sql = standby_->session();
        auto const receiver = static_cast<pid_t>(crash::number_of(sql, "select pid from pg_stat_wal_receiver"));
        REQUIRE(receiver > 0);
        ::kill(receiver, SIGSTOP);
        std::this_thread::sleep_for(std::chrono::milliseconds{200});
        primary_->stop(SIGKILL);
        ::kill(receiver, SIGCONT);
        standby_->promote();
        std::swap(primary_, standby_);
    }

    /// Gives the primary a standby in place of the dead server.
    void follow()
    {
        standby_->clear();
        standby_->follow(*primary_);
        standby_->start();
        auto sql = primary_->session();
        sql.exec("alter system set synchronous_standby_names = '*'");
        sql.exec("select pg_reload_conf()");
        while (crash::number_of(sql, "select count(*) from pg_stat_replication where sync_state = 'sync'") == 0)
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }

    support::pg_session session() const { return primary_->session(); }

private:
    std::unique_ptr<crash::own_server> primary_;
    std::unique_ptr<crash::own_server> standby_;
};

} // namespace

TEST_CASE("a failover to a synchronous standby under load loses nothing that was acknowledged")
{
    auto const programs = crash::server_programs();
    if (!programs)
        return;
    int const failovers = crash::from_environment("TASKER_CRASH_FAILOVERS", 1);
    auto const seed = static_cast<unsigned>(
        crash::from_environment("TASKER_CRASH_SEED", static_cast<int>(std::random_device{}() >> 1)));
    INFO("repeat with TASKER_CRASH_SEED=" << seed);
    std::mt19937 random{seed};
    server_pair servers{*programs};
    crash::outage_load load{servers.connection()};
    load.start();
    double slowest = 0;
    for (int failover = 0; failover < failovers; ++failover) {
        if (failover > 0)
            servers.follow();
        std::this_thread::sleep_for(std::chrono::milliseconds{2000 + random() % 1000});
        servers.fail_over();
        slowest = std::max(slowest, load.wait_for_progress(30));
    }
    load.finish(servers.session(), 60);
    load.check(servers.session());
    std::cout << failovers << " failovers, seed " << seed << ": work went on at most " << slowest
              << " s after the promotion\n";
    CHECK(slowest < 10);
}
