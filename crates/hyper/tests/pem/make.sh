#!/usr/bin/env bash
# Writes the files beside it anew, as OpenSSL 3.0, OpenSSH 9.2 and Java's keytool write them. The keys protect nothing.
# The tests read the files alone; they need none of these programs.
set -euo pipefail
cd "$(dirname "$0")"
find . -type f ! -name make.sh -delete
subject() { echo "/O=clerk-actor-tokens tests/CN=$1"; }

# Roots.
openssl ecparam -name prime256v1 -genkey -out sec1-with-parameters.key.pem
openssl req -x509 -new -key sec1-with-parameters.key.pem -days 36500 -subj "$(subject 'root one')" -out root.pem
openssl req -x509 -newkey rsa:2048 -noenc -keyout pkcs8-rsa.key.pem -days 36500 -subj "$(subject 'root two')" -out root-rsa.pem
openssl x509 -in root.pem -text -nameopt utf8,sep_comma_plus -out root-with-text.pem
openssl x509 -in root.pem -outform DER -out root.der
openssl x509 -in root.pem -trustout -addtrust serverAuth -setalias one -out trusted.pem
openssl x509 -in root.pem -trustout -addreject serverAuth -out distrusted.pem
openssl crl2pkcs7 -nocrl -certfile root.pem -out pkcs7.pem
openssl crl2pkcs7 -nocrl -certfile root.pem -outform DER -out pkcs7.p7b
openssl req -new -key sec1-with-parameters.key.pem -subj "$(subject 'request')" -out request.pem

# Keys.
openssl ec -in sec1-with-parameters.key.pem -out sec1.key.pem
openssl pkcs8 -topk8 -nocrypt -in sec1.key.pem -out pkcs8.key.pem
openssl genpkey -algorithm ed25519 -out pkcs8-ed25519.key.pem
openssl rsa -in pkcs8-rsa.key.pem -traditional -out pkcs1.key.pem
openssl pkcs8 -topk8 -passout pass:word -in sec1.key.pem -out encrypted-pkcs8.key.pem
openssl ec -aes128 -passout pass:word -in sec1.key.pem -out encrypted-sec1.key.pem
openssl rsa -aes128 -traditional -passout pass:word -in pkcs8-rsa.key.pem -out encrypted-pkcs1.key.pem
openssl pkey -in sec1.key.pem -pubout -out public.pem
openssl rsa -in pkcs8-rsa.key.pem -RSAPublicKey_out -out public-rsa.pem
openssl pkey -in pkcs8.key.pem -text -out pkcs8-with-text.key.pem
openssl pkey -in sec1.key.pem -outform DER -out pkcs8.key.der
openssl genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 -out dsa-parameters.pem
openssl gendsa -out dsa-pkcs8.tmp dsa-parameters.pem
openssl dsa -in dsa-pkcs8.tmp -out dsa.key.pem
rm dsa-pkcs8.tmp
ssh-keygen -q -t ed25519 -N '' -C '' -f openssh && mv openssh openssh.key.pem && rm openssh.pub

# Both in one.
openssl pkcs12 -export -in root.pem -inkey sec1.key.pem -name one -passout pass:word -out both.p12
openssl pkcs12 -in both.p12 -passin pass:word -noenc -out both-with-attributes.pem
openssl pkcs12 -in both.p12 -passin pass:word -passout pass:word -out both-encrypted.pem
keytool -importcert -noprompt -alias one -file root.pem -keystore roots.jks -storetype JKS -storepass password
