// PostgreSQL is stopped and started again every couple of seconds, by turns in order and at once, while two workers and
// a submitter work. They go on by themselves; nothing acknowledged is lost, nothing is done twice. Every other pair of
// stops comes when commits have happened and their answers are held back, so that all of them are in doubt. By hand, at
// full size:
//
//     TASKER_CRASH_RESTARTS=60 tasker_crash_server_restarts
//
// and once more with TASKER_CRASH_LEASE=1 TASKER_CRASH_AWAY=1500, so that leases (in seconds) run out while the server
// is away (in milliseconds, at least).

#include "support/catch.hpp"
#include "support/pg_session.hpp"

#include "outage_load.hpp"
#include "own_server.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <random>
#include <thread>

namespace {

/// From now on commits happen and are not answered: they wait for a standby that there is not.
void hold_answers(crash::own_server const& server)
{
    auto sql = server.session();
    sql.exec("alter system set synchronous_standby_names = 'nobody'");
    sql.exec("select pg_reload_conf()");
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
}

} // namespace

TEST_CASE("workers go on by themselves when PostgreSQL is restarted under load, and nothing is lost or doubled")
{
    auto const programs = crash::server_programs();
    if (!programs)
        return;
    int const restarts = crash::from_environment("TASKER_CRASH_RESTARTS", 4);
    auto const away = static_cast<unsigned>(crash::from_environment("TASKER_CRASH_AWAY", 0));
    auto const seed = static_cast<unsigned>(
        crash::from_environment("TASKER_CRASH_SEED", static_cast<int>(std::random_device{}() >> 1)));
    INFO("repeat with TASKER_CRASH_SEED=" << seed);
    std::mt19937 random{seed};
    crash::own_server server{*programs};
    server.initialize();
    server.start();
    crash::outage_load load{server.connection()};
    load.start();
    double slowest = 0;
    for (int restart = 0; restart < restarts; ++restart) {
        std::this_thread::sleep_for(std::chrono::milliseconds{800 + random() % 1200});
        bool const is_in_doubt = restart % 4 >= 2;
        if (is_in_doubt)
            hold_answers(server);
        server.stop(restart % 2 == 0 ? SIGINT : SIGQUIT);
        std::this_thread::sleep_for(std::chrono::milliseconds{away + random() % 1000});
        if (is_in_doubt)
            server.configure("synchronous_standby_names = ''\n");
        server.start();
        slowest = std::max(slowest, load.wait_for_progress(20));
    }
    load.finish(server.session(), 60);
    load.check(server.session());
    std::cout << restarts << " restarts, seed " << seed << ": work went on at most " << slowest
              << " s after the server was back\n";
    CHECK(slowest < 10);
}

TEST_CASE("a store does not use a connection that its server has ended while it was idle")
{
    auto const programs = crash::server_programs();
    if (!programs)
        return;
    crash::own_server server{*programs};
    server.initialize();
    server.start();
    tasker::postgres_store store{server.connection()};
    store.migrate();
    for (int const how : {SIGINT, SIGQUIT}) {
        server.stop(how);
        server.start();
        CHECK_NOTHROW(store.load(tasker::task_id{}));
    }
}
