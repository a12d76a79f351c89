#!/bin/sh
# What the benchmark needs: a C compiler, OpenSSL's headers, mosquitto and nats-server from Debian, `ws`
# from npm.
# Without it `python -m bench.fanout` leaves out the rows it cannot make, and says which.
set -eu
cd "$(dirname "$0")"

wanted=""
command -v gcc >/dev/null || wanted="$wanted gcc libc6-dev"
[ -e /usr/include/openssl/ssl.h ] || wanted="$wanted libssl-dev"
PATH="$PATH:/usr/sbin"
command -v mosquitto >/dev/null || wanted="$wanted mosquitto"
command -v nats-server >/dev/null || wanted="$wanted nats-server"
command -v node >/dev/null || wanted="$wanted nodejs"
command -v npm >/dev/null || wanted="$wanted npm"
if [ -n "$wanted" ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "Missing:$wanted. Run this as root, or: sudo apt-get install$wanted" >&2
        exit 1
    fi
    apt-get update -qq
    # shellcheck disable=SC2086 # several packages
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted
fi
npm install --silent --no-fund --no-audit --no-package-lock --prefix build ws@8
echo "the peers are installed"
