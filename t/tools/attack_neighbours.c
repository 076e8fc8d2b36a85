/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack_neighbours.c - ways to reach other users, and the host's services
 *
 * Under the name "victim" it is a neighbour, who waits at a gate, and whose
 * secrets have the names below, in a world of their own or not.
 *
 * In the environment of the attack: ATTACK_TWIN, a process of the same uid
 * outside; ATTACK_HOST_PORT, a service on the host's loopback; ATTACK_RUN, a
 * path socket of the host's for everybody, ATTACK_ABSTRACT an abstract one
 * (with '@'); ATTACK_SHARED, shared memory of the host's.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "t/tools/attack.h"

#define VICTIM_NAME "attack-victim"
#define VICTIM_GATE "/home/bob/gate"

enum { VICTIM_KEY = 0x17a77ac, VICTIM_PORT = 61977, PAGE = 4096 };

/* --- addresses ------------------------------------------------------------ */

/* A name that begins with '@' is abstract.  Returns the address's length. */
static socklen_t unix_address(struct sockaddr_un *address, const char *name)
{
    size_t length = strlen(name);

    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (length >= sizeof address->sun_path) {
        return 0;
    }
    memcpy(address->sun_path, name, length);
    if (*name == '@') {
        address->sun_path[0] = '\0';
    }
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static bool reaches_unix(const char *name)
{
    struct sockaddr_un address;
    socklen_t length = unix_address(&address, name);
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return length > 0
           && connect(sock, (struct sockaddr *)&address, length) == 0;
}

static struct sockaddr_in inet_address(const char *host, int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET };

    address.sin_port = htons((uint16_t)port);
    (void)inet_pton(AF_INET, host, &address.sin_addr);
    return address;
}

static bool reaches(const char *host, int port, int type)
{
    const struct sockaddr_in address = inet_address(host, port);
    int sock = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    return connect(sock, (const struct sockaddr *)&address, sizeof address)
           == 0;
}

/* --- the victim ----------------------------------------------------------- */

static bool listens(int sock, const void *address, socklen_t length)
{
    return bind(sock, address, length) == 0 && listen(sock, 8) == 0;
}

static bool offer_sockets(void)
{
    const struct sockaddr_in inet = inet_address("127.0.0.1", VICTIM_PORT);
    struct sockaddr_un address;
    socklen_t length = unix_address(&address, "@" VICTIM_NAME);

    return listens(socket(AF_UNIX, SOCK_STREAM, 0), &address, length)
           && listens(socket(AF_INET, SOCK_STREAM, 0), &inet, sizeof inet);
}

static bool offer_memory(void)
{
    struct mq_attr attributes = { .mq_maxmsg = 1, .mq_msgsize = 8 };

    return shmget(VICTIM_KEY, PAGE, IPC_CREAT | 0666) != -1
           && semget(VICTIM_KEY, 1, IPC_CREAT | 0666) != -1
           && msgget(VICTIM_KEY, IPC_CREAT | 0666) != -1
           && mq_open("/" VICTIM_NAME, O_CREAT | O_RDWR, 0666, &attributes)
              != (mqd_t)-1;
}

static void take_memory_back(void)
{
    (void)shmctl(shmget(VICTIM_KEY, PAGE, 0), IPC_RMID, NULL);
    (void)semctl(semget(VICTIM_KEY, 1, 0), 0, IPC_RMID);
    (void)msgctl(msgget(VICTIM_KEY, 0), IPC_RMID, NULL);
    (void)mq_unlink("/" VICTIM_NAME);
}

/* On a file that all jails have: one of them gets the lock. */
static void lock_base_file(void)
{
    (void)flock(open("/bin/busybox", O_RDONLY | O_CLOEXEC),
                LOCK_EX | LOCK_NB);
}

static int be_victim(void)
{
    bool is_ready;
    int gate;

    (void)umask(0);
    lock_base_file();
    is_ready = offer_sockets() && offer_memory();
    if (getenv("GATEWAY_INTERFACE") != NULL) {
        printf("Content-Type: text/plain\n\n");
    }
    printf("%s\n", is_ready ? "ready" : strerror(errno));
    (void)fflush(stdout);
    gate = open(VICTIM_GATE, O_RDONLY);     /* waits */
    take_memory_back();
    (void)close(gate);
    return 0;
}

/* --- processes ------------------------------------------------------------ */

static bool signal_twin(void)
{
    return kill(attack_number("ATTACK_TWIN"), SIGURG) == 0;
}

static bool trace_twin(void)
{
    return ptrace(PTRACE_SEIZE, attack_number("ATTACK_TWIN"), NULL, NULL)
           == 0;
}

static bool memory_of_twin(void)
{
    return open(attack_proc(attack_number("ATTACK_TWIN"), "mem"),
                O_RDWR | O_CLOEXEC) != -1;
}

static bool environment_of_twin(void)
{
    return open(attack_proc(attack_number("ATTACK_TWIN"), "environ"),
                O_RDONLY | O_CLOEXEC) != -1;
}

static bool limits_of_twin(void)
{
    struct rlimit same;
    int twin = attack_number("ATTACK_TWIN");

    return prlimit(twin, RLIMIT_CORE, NULL, &same) == 0
           && prlimit(twin, RLIMIT_CORE, &same, NULL) == 0;
}

/* Whether /proc has a process whose arguments hold the word. */
static bool sees_process(const char *word)
{
    DIR *processes = opendir("/proc");
    const struct dirent *entry;
    bool found = false;

    while (processes != NULL && (entry = readdir(processes)) != NULL) {
        char text[512] = "";
        int fd, i;
        ssize_t n;

        if (!isdigit((unsigned char)*entry->d_name)) {
            continue;
        }
        fd = open(attack_proc((pid_t)strtol(entry->d_name, NULL, 10),
                              "cmdline"), O_RDONLY | O_CLOEXEC);
        n = read(fd, text, sizeof text - 1);
        (void)close(fd);
        for (i = 0; i + 1 < n; i++) {
            text[i] = text[i] == '\0' ? ' ' : text[i];
        }
        found = found || strstr(text, word) != NULL;
    }
    return found;
}

static bool see_victim(void)
{
    return sees_process("victim");
}

static bool see_host(void)
{
    return sees_process("apache2");
}

/* --- sockets -------------------------------------------------------------- */

static bool abstract_of_victim(void)
{
    return reaches_unix("@" VICTIM_NAME);
}

static bool abstract_of_host(void)
{
    return reaches_unix(attack_word("ATTACK_ABSTRACT"));
}

static bool path_of_host(void)
{
    return reaches_unix(attack_word("ATTACK_RUN"));
}

static bool path_of_host_by_descriptor(void)
{
    char name[512];
    bool found = false;
    int fd;

    for (fd = 3; fd < ATTACK_FDS_MAX; fd++) {
        (void)snprintf(name, sizeof name, "/proc/self/fd/%d%s", fd,
                       attack_word("ATTACK_RUN"));
        found = found || reaches_unix(name);
    }
    return found;
}

static bool path_of_host_by_process(void)
{
    char name[512];

    (void)snprintf(name, sizeof name, "/proc/%d/root%s",
                   attack_number("ATTACK_TWIN"), attack_word("ATTACK_RUN"));
    return reaches_unix(name);
}

static bool list_of_sockets(void)
{
    char line[1024];
    bool found = false;
    FILE *in = fopen("/proc/net/unix", "re");

    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        found = found || strstr(line, attack_word("ATTACK_RUN")) != NULL
                || strstr(line, VICTIM_NAME) != NULL;
    }
    return found;
}

/* --- the network ---------------------------------------------------------- */

static bool loopback_of_host(void)
{
    return reaches("127.0.0.1", attack_number("ATTACK_HOST_PORT"),
                   SOCK_STREAM);
}

static bool loopback_of_host_v6(void)
{
    struct sockaddr_in6 address = { .sin6_family = AF_INET6 };
    int sock = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin6_port = htons((uint16_t)attack_number("ATTACK_HOST_PORT"));
    address.sin6_addr.s6_addr[10] = address.sin6_addr.s6_addr[11] = 0xff;
    address.sin6_addr.s6_addr[12] = 127;        /* ::ffff:127.0.0.1 */
    address.sin6_addr.s6_addr[15] = 1;
    return connect(sock, (struct sockaddr *)&address, sizeof address) == 0;
}

static bool loopback_of_victim(void)
{
    return reaches("127.0.0.1", VICTIM_PORT, SOCK_STREAM);
}

/* An address for documentation (RFC 5737): nothing is sent to it, but there
   must be a way. */
static bool way_out(void)
{
    return reaches("192.0.2.1", 9, SOCK_DGRAM);
}

static bool interfaces(void)
{
    char line[512];
    int count = 0;
    FILE *in = fopen("/proc/net/dev", "re");

    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        count += strchr(line, ':') != NULL && strstr(line, " lo:") == NULL;
    }
    return count > 0;
}

static bool list_of_connections(void)
{
    char line[512], port[16];
    bool found = false;
    FILE *in = fopen("/proc/net/tcp", "re");

    (void)snprintf(port, sizeof port, ":%04X",
                   (unsigned int)attack_number("ATTACK_HOST_PORT"));
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        found = found || strstr(line, port) != NULL;
    }
    return found;
}

/* --- memory --------------------------------------------------------------- */

static bool segment_of_victim(void)
{
    return shmget(VICTIM_KEY, PAGE, 0) != -1;
}

static bool semaphore_of_victim(void)
{
    return semget(VICTIM_KEY, 1, 0) != -1;
}

static bool messages_of_victim(void)
{
    return msgget(VICTIM_KEY, 0) != -1;
}

static bool queue_of_victim(void)
{
    return mq_open("/" VICTIM_NAME, O_RDWR) != (mqd_t)-1;
}

static bool list_of_segments(void)
{
    char line[512], key[32];
    bool found = false;
    FILE *in = fopen("/proc/sysvipc/shm", "re");

    (void)snprintf(key, sizeof key, "%d ", VICTIM_KEY);
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        found = found || strstr(line, key) != NULL;
    }
    return found;
}

static bool memory_of_host(void)
{
    return shm_open(attack_word("ATTACK_SHARED"), O_RDWR, 0) != -1;
}

static bool base_file_locked(void)
{
    int fd = open("/bin/busybox", O_RDONLY | O_CLOEXEC);

    return flock(fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK;
}

static const struct attack attacks[] = {
    { "a signal to the same uid outside", signal_twin },
    { "ptrace of the same uid outside", trace_twin },
    { "memory of the same uid outside", memory_of_twin },
    { "environment of the same uid outside", environment_of_twin },
    { "limits of the same uid outside", limits_of_twin },
    { "the list of a neighbour's processes", see_victim },
    { "the list of the host's processes", see_host },
    { "a neighbour's abstract socket", abstract_of_victim },
    { "an abstract socket of the host", abstract_of_host },
    { "a socket in the host's /run", path_of_host },
    { "a socket in /run by descriptor", path_of_host_by_descriptor },
    { "a socket in /run by /proc", path_of_host_by_process },
    { "the list of the host's sockets", list_of_sockets },
    { "a service on the host's loopback", loopback_of_host },
    { "a service on the host's loopback, IPv6", loopback_of_host_v6 },
    { "a service on a neighbour's loopback", loopback_of_victim },
    { "a way to the network", way_out },
    { "the host's network interfaces", interfaces },
    { "the list of the host's connections", list_of_connections },
    { "a neighbour's shared memory", segment_of_victim },
    { "a neighbour's semaphores", semaphore_of_victim },
    { "a neighbour's messages", messages_of_victim },
    { "a neighbour's message queue", queue_of_victim },
    { "the list of shared memory", list_of_segments },
    { "shared memory of the host", memory_of_host },
    { "KNOWN: a lock on a file of the base", base_file_locked },
};

int main(int argc, char **argv)
{
    const char *name = strrchr(argv[0], '/');

    if (name != NULL && strcmp(name, "/victim") == 0) {
        return be_victim();
    }
    return attack_main(argc, argv, attacks, ATTACK_COUNT(attacks));
}
