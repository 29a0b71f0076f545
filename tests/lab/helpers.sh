# What a fault file may say. LAB (the lab's name) and LAB_DIR are set; heal undoes it all.

# on HOST COMMAND...: run a command there
on() { "$LAB_DIR/lab" run "$@"; }

# start HOST NAME PORT COMMAND...: a daemon that listens on PORT (0: on none)
start() { "$LAB_DIR/lab" start "$@"; }

# stop HOST NAME: end a daemon, one of the lab's own (sshd, nginx, dns) or one started here
stop() { "$LAB_DIR/lab" stop "$@"; }

# until_true COMMAND...: wait, five seconds at most, until the command succeeds
until_true() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ "$tries" -lt 50 ] || return 1
		sleep 0.1
	done
}

sshd="/usr/sbin/sshd -D -e -f $LAB_DIR/config/sshd_config"
