package org.luthier.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The script in a made-up checkout, with a made-up Maven and Java: when it builds, how, and what it starts. */
@EnabledOnOs(OS.LINUX)
@Timeout(60)
class ScriptTest {
    /** Lays out what the real build would, and says what it says while fetching. */
    private static final String MAVEN = """
            #!/usr/bin/env bash
            if [[ $* == *--version* ]]; then echo "Apache Maven ${MAVEN_IS:-3.9.9} (x)"; exit; fi
            echo "$JAVA_HOME|$PWD|$*" >>"$WITNESS"
            printf 'Downloading from central: https://host/a/big-1.0.jar\\nProgress (1): 12/99 MB\\rProgress (1): 99 MB\\r        \\r'
            printf 'Downloaded from central: https://host/a/big-1.0.jar (99 MB at 12 MB/s)\\n'
            echo '[INFO] Building Luthier shell 0.1.0-SNAPSHOT                          [2/3]'
            while [ -e "$WITNESS.wait" ]; do sleep 0.05; done
            if [ -e "$WITNESS.fail" ]; then echo '[ERROR] a mistake in the code'; exit 1; fi
            layout=runtime/assembly/target/luthier
            mkdir -p $layout/lib/variants $layout/bundles
            printf lib/one.jar:lib/nd4j-native-1.0.jar >$layout/lib/class-path.txt
            variant=plain
            for word; do case $word in -Dnd4j.variant=*) variant=${word#*=} ;; esac; done
            [[ $* != *-Pcuda* ]] || { mkdir -p $layout/lib-cuda; touch $layout/lib-cuda/nd4j-cuda.jar; }
            touch $layout/lib/variants/nd4j-native-1.0-$variant.jar $layout/layout.properties
            """;

    /** Says how it was started. */
    private static final String JAVA = """
            #!/usr/bin/env bash
            if [[ $* == *GpuCheck* ]]; then [ -e "$WITNESS.gpu" ] && echo 3 && exit; echo 'no GPU' >&2; exit 1; fi
            printf '%s\\n' "$OMP_NUM_THREADS" "GPU ${CUDA_VISIBLE_DEVICES-}" "$@"
            """;

    @TempDir
    Path folder;

    private Path checkout;
    private Path witness;
    private Path source;

    /** How the script ended. */
    private record Ended(int code, String out, String err) {}

    @BeforeEach
    void checkout() throws IOException {
        checkout = Files.createDirectories(folder.resolve("check out"));
        witness = folder.resolve("witness");
        Path root = Path.of(System.getProperty("luthier.root"));
        Files.copy(root.resolve("luthier"), checkout.resolve("luthier"), StandardCopyOption.COPY_ATTRIBUTES);
        Files.writeString(checkout.resolve("pom.xml"), "<project>\n  <version>1.2.3</version>\n</project>\n");
        source = Files.writeString(
                Files.createDirectories(checkout.resolve("bundles/api/src/main"))
                        .resolve("A.java"),
                "");
        Files.createDirectories(checkout.resolve("bundles/api/src/test"));
        script("bin/mvn", MAVEN);
        script("jdk/bin/java", JAVA);
        script("jdk/bin/javac", JAVA);
        Files.writeString(folder.resolve("jdk/release"), "JAVA_VERSION=\"21.0.1\"\n");
        // As if everything had been checked out a while ago.
        FileTime past = FileTime.from(Instant.now().minusSeconds(60));
        for (Path file :
                List.of(checkout.resolve("luthier"), checkout.resolve("pom.xml"), source, source.getParent())) {
            Files.setLastModifiedTime(file, past);
        }
    }

    private void script(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        assertTrue(file.toFile().setExecutable(true));
    }

    private Process start(Path out, Path err, String... words) throws IOException {
        List<String> command = new ArrayList<>(Interruptible.prefix());
        command.add(checkout.resolve("luthier").toString());
        command.addAll(List.of(words));
        return start(command, out, err);
    }

    private Process start(List<String> command, Path out, Path err) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().put("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"));
        builder.environment().put("JAVA_HOME", folder.resolve("jdk").toString());
        builder.environment().put("LUTHIER_MAVEN_ARGS", "--offline -Dx=y");
        builder.environment().put("WITNESS", witness.toString());
        return builder.start();
    }

    private Ended run(String... words) throws Exception {
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        Process process = start(out, err, words);
        assertTrue(process.waitFor(50, TimeUnit.SECONDS), "does not end");
        return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
    }

    /** On a terminal that the program {@code script} makes of its standard output and error. */
    @Test
    void itTellsJavaWhichStreamsAreTerminals() throws Exception {
        Path terminal = Path.of("/usr/bin/script");
        Assumptions.assumeTrue(Files.isExecutable(terminal), "no " + terminal + " to make a terminal");
        assertTrue(run("env").out().contains("-Dluthier.stdout.tty=false\n-Dluthier.stderr.tty=false\n"));
        Path out = folder.resolve("out");
        Process process = start(
                List.of(
                        terminal.toString(),
                        "-qefc",
                        "'" + checkout.resolve("luthier") + "' env </dev/null",
                        "/dev/null"),
                out,
                folder.resolve("err"));
        assertTrue(process.waitFor(50, TimeUnit.SECONDS), "does not end");
        List<String> started = Files.readString(out).lines().toList();
        assertTrue(
                started.containsAll(
                        List.of("-Dluthier.stdin.tty=false", "-Dluthier.stdout.tty=true", "-Dluthier.stderr.tty=true")),
                started.toString());
    }

    private int builds() throws IOException {
        return Files.exists(witness) ? Files.readAllLines(witness).size() : 0;
    }

    @Test
    void itBuildsWhatIsMissingAndThenStarts() throws Exception {
        Ended ended = run("--heap", "2g", "env", "a b");
        assertEquals(0, ended.code(), ended.err());
        List<String> started = ended.out().lines().toList();
        assertEquals("1", started.get(0), "one OpenMP thread");
        assertTrue(
                started.containsAll(List.of("-Xmx2g", "-Dluthier.stdin.tty=false", "org.luthier.launcher.Main")),
                ended.out());
        assertEquals(List.of("--heap", "2g", "env", "a b"), started.subList(started.size() - 4, started.size()));
        String classPath = started.get(started.indexOf("-cp") + 1);
        assertTrue(classPath.startsWith(checkout + "/runtime/assembly/target/luthier/lib/one.jar:"), classPath);
        assertTrue(classPath.contains("/lib/variants/nd4j-native-1.0-"), classPath);

        String[] built = Files.readString(witness).strip().split("\\|");
        assertEquals(folder.resolve("jdk").toString(), built[0]);
        assertEquals(checkout.toRealPath().toString(), built[1]);
        assertTrue(built[2].startsWith("package ") && built[2].endsWith(" --offline -Dx=y"), built[2]);
        assertFalse(built[2].contains("clean"));
        assertTrue(ended.err().contains("fetched big-1.0.jar, 99 MB"), ended.err());
        assertTrue(ended.err().contains("building Luthier shell [2/3]"), ended.err());
        assertTrue(ended.err().contains("fetched 1 files, 99 MB"), ended.err());
    }

    @Test
    void itBuildsAgainOnlyWhenASourceIsNewer() throws Exception {
        run("env");
        assertEquals("", run("env").err());
        assertEquals(1, builds());
        Files.writeString(checkout.resolve("bundles/api/src/test/ATest.java"), "");
        Files.createDirectories(checkout.resolve("bundles/api/target/classes"));
        run("env");
        assertEquals(1, builds(), "tests and built files do not matter");
        Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusSeconds(2)));
        run("env");
        assertEquals(2, builds());
        Files.setLastModifiedTime(source, FileTime.from(Instant.now().minusSeconds(60)));
        run("env");
        Files.delete(source);
        run("env");
        assertTrue(builds() > 2, "a deleted source is a change");
    }

    @Test
    void aFailedBuildIsToldAndStartsNothing() throws Exception {
        Files.writeString(Path.of(witness + ".fail"), "");
        Ended ended = run("env");
        assertEquals(1, ended.code());
        assertEquals("", ended.out());
        assertTrue(ended.err().contains("[ERROR] a mistake in the code"), ended.err());
        assertTrue(ended.err().contains("luthier-build.log"), ended.err());
    }

    @Test
    void aSecondProcessWaitsForTheFirst() throws Exception {
        Path wait = Files.writeString(Path.of(witness + ".wait"), "");
        Path firstErr = folder.resolve("first.err");
        Process first = start(folder.resolve("first.out"), firstErr, "env");
        awaitText(firstErr, "building");
        Path secondErr = folder.resolve("second.err");
        Process second = start(folder.resolve("second.out"), secondErr, "env");
        awaitText(secondErr, "waiting");
        Files.delete(wait);
        assertEquals(0, first.waitFor());
        assertEquals(0, second.waitFor());
        assertEquals(1, builds());
    }

    @Test
    void interruptingABuildEndsIt() throws Exception {
        Files.writeString(Path.of(witness + ".wait"), "");
        Path err = folder.resolve("err");
        Process process = start(folder.resolve("out"), err, "env");
        awaitText(err, "building Luthier shell");
        new ProcessBuilder("kill", "-INT", String.valueOf(process.pid()))
                .start()
                .waitFor();
        assertEquals(130, process.waitFor());
        assertTrue(Files.readString(err).contains("interrupted"));
    }

    @Test
    void textsNeedNoBuild() throws Exception {
        assertEquals("luthier 1.2.3\n", run("--version").out());
        assertEquals(0, builds());
    }

    @Test
    void wrongOptionsNeedNoBuild() throws Exception {
        assertEquals(2, run("--backend", "abacus", "env").code());
        assertEquals(2, run("env", "--heap=much").code());
        assertEquals(1, run("--backend=cuda", "env").code());
        assertEquals(0, builds());
    }

    @Test
    void cudaIsFetchedOnlyWhereItCanRun() throws Exception {
        Ended refused = run("--backend", "nd4j-cuda", "env");
        assertEquals(1, refused.code());
        assertEquals("no GPU\n", refused.err());
        assertEquals(0, builds());

        run("env");
        assertFalse(Files.readString(witness).contains("-Pcuda"));
        Files.writeString(Path.of(witness + ".gpu"), "");
        Ended ended = run("env", "--backend", "nd4j-cuda");
        assertEquals(0, ended.code(), ended.err());
        assertTrue(ended.err().contains("2.4 GB"), ended.err());
        assertTrue(Files.readAllLines(witness).get(1).contains(" -Pcuda "));
        assertTrue(
                ended.out().contains("lib-cuda/nd4j-cuda.jar") && !ended.out().contains("nd4j-native"), ended.out());
        assertTrue(ended.out().contains("GPU 3\n"), ended.out());
        assertEquals("", run("env", "--backend", "nd4j-cuda").err(), "once");
        assertTrue(run("env").out().contains("nd4j-native"));
    }

    @Test
    void anOldMavenIsNamed() throws Exception {
        script("bin/mvn", MAVEN.replace("3.9.9", "3.6.3"));
        Ended ended = run("env");
        assertEquals(1, ended.code());
        assertTrue(ended.err().contains("needs Maven 3.8") && ended.err().contains("3.6"), ended.err());
    }

    private static void awaitText(Path file, String text) throws Exception {
        while (!Files.readString(file).contains(text)) {
            Thread.sleep(20);
        }
    }
}
