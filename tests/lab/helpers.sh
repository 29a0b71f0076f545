# What a fault file may say. LAB (the lab's name), LAB_DIR and what is used below are set; heal undoes it all.

config="$LAB_DIR/config"
sshd="/usr/sbin/sshd -D -e -f $config/sshd_config"

# on HOST COMMAND...: run a command there
on() { "$LAB_ENTER" "$LAB" "$@"; }

# start HOST NAME PORT COMMAND...: a daemon that listens on PORT (0: on none)
start() { ask start "$@"; }

# stop HOST NAME: end a daemon, one of the lab's own (sshd, nginx, dns) or one started here
stop() { ask stop "$@"; }

# ask WORD...: have it done by who runs this (faults.py); a Python of its own would take longer to start
ask() {
	printf '%s\0' "$#" "$@" >"/dev/fd/$LAB_ASK"
	read -r answer <"/dev/fd/$LAB_ANSWER"
	[ "$answer" = done ]
}

# filter HOST HOOK RULE: a firewall rule, before all else in prerouting, at its usual place elsewhere
filter() {
	priority=filter
	[ "$2" != prerouting ] || priority=raw
	on "$1" nft -f - <<-END
		table inet fault {
			chain $2 {
				type filter hook $2 priority $priority
				$3
			}
		}
	END
}

# redirect HOST HOOK PORT: connections to TCP 22 go to PORT of HOST itself
redirect() {
	on "$1" nft -f - <<-END
		table inet fault {
			chain diversion {
				type nat hook $2 priority -100
				tcp dport 22 redirect to :$3
			}
		}
	END
}

# new_key HOST FILE: a key pair on a host, its modes right
new_key() { on "$1" ssh-keygen -q -t ed25519 -N "" -C "" -f "$2"; }

# knows HOST FILE: client's known_hosts has HOST's public key in FILE for the VM
knows() {
	for address in 20.99.0.4 2001:db8:99::4; do
		echo "$address $(on "$1" cut -d' ' -f1,2 "$2")"
	done | on client sh -c 'cat >>/run/home/.ssh/known_hosts'
}

# until_true COMMAND...: wait, five seconds at most, until the command succeeds
until_true() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ "$tries" -lt 250 ] || return 1
		sleep 0.02
	done
}
