#!/bin/sh
# Builds the Java runtime: target/runtimes/java/heeler.jar. It does nothing while the jar is younger than what it is made
# of. Where it cannot be built, for want of a JDK, of Maven or of its registry, target/runtimes/java.skipped says why, and
# whoever needs the jar looks there.
set -eu
. "$(dirname "$0")/env.sh"

source=runtimes/java
maven=target/maven # As its pom.xml says.
made=target/runtimes/java
jar="$made/heeler.jar"
log=target/runtimes/java.log
skipped=target/runtimes/java.skipped
mkdir -p "$made"

if [ -e "$jar" ] && [ -z "$(find "$source/pom.xml" "$source/src/main" -newer "$jar")" ]; then exit 0; fi
rm -f "$skipped"

skip() {
    # One of older sources is none.
    rm -f "$jar" "$made/heeler.jsa"
    echo "$*" >"$skipped"
    echo "java: skipped, $*"
    exit 0
}

{ javac --release 17 -version && mvn --version; } >"$log" 2>&1 || skip "the Java runtime needs a JDK from 17 on, and mvn, to be built"
# Maven compiles what it sees has changed: it does not look at its own settings, nor for classes that have gone.
rm -rf "$maven/classes"
if ! mvn --quiet --batch-mode --file "$source/pom.xml" -DskipTests package >"$log" 2>&1; then
    if grep -qE "$unreachable" "$log"; then
        skip "the Java runtime's package registry cannot be reached"
    fi
    cat "$log" >&2
    exit 1
fi
# In one step: whoever starts the jar meanwhile has the old one or the new one. An archive of the old one's classes is of no use.
cp "$maven/heeler.jar" "$jar.new"
# It goes into images, where another user reads it.
chmod a+r "$jar.new"
rm -f "$made/heeler.jsa"
mv "$jar.new" "$jar"
echo "java: $jar built, $(wc -c <"$jar") bytes"
