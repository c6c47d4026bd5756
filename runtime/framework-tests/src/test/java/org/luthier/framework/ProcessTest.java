package org.luthier.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.Json;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a user meets: processes that the script starts, with exit codes, streams, files and signals. */
@DisabledOnOs(OS.WINDOWS)
@Timeout(180)
class ProcessTest {
    private static final Path SAMPLE = Luthier.LAYOUT.resolve("samples/bach-prelude.flac");
    /** Kept between runs: unpacking the natives takes seconds. */
    private static final Path CACHE = Path.of("target/process-cache").toAbsolutePath();

    @TempDir
    Path folder;

    private final Map<String, String> environment = new HashMap<>();

    /** How a process ended. */
    private record Ended(int code, String out, String err) {
        Ended expect(int expected) {
            assertEquals(expected, code, () -> "standard output: " + out + "\nstandard error: " + err);
            return this;
        }
    }

    @BeforeEach
    void environment() {
        environment.put("LUTHIER_HOME", folder.resolve("home").toString());
        environment.put("LUTHIER_CACHE", CACHE.toString());
        environment.put("JAVA_HOME", System.getProperty("java.home"));
    }

    /** JUnit warns of every link that it meets when it deletes the folder. */
    @AfterEach
    void deleteLinks() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path link : files.filter(Files::isSymbolicLink).toList()) {
                Files.delete(link);
            }
        }
    }

    private Running start(String... words) throws IOException {
        return start(Luthier.LAYOUT.resolve("luthier"), "", words);
    }

    private Running start(Path script, String input, String... words) throws IOException {
        List<String> command = new ArrayList<>(Interruptible.prefix());
        command.add(script.toString());
        command.addAll(List.of(words));
        Path in = Files.writeString(Files.createTempFile(folder, "in", ""), input);
        Path out = Files.createTempFile(folder, "out", "");
        Path err = Files.createTempFile(folder, "err", "");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectInput(in.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().putAll(environment);
        return new Running(builder.start(), out, err);
    }

    /** A process and where it writes. */
    private record Running(Process process, Path out, Path err) {
        Ended end() throws Exception {
            assertTrue(process.waitFor(120, TimeUnit.SECONDS), "does not end");
            return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
        }

        void signal(String name) throws Exception {
            new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid()))
                    .start()
                    .waitFor();
        }

        void awaitOutput(String part) throws Exception {
            while (!Files.readString(err).contains(part)) {
                assertTrue(process.isAlive(), () -> "ended before it said '" + part + "'");
                Thread.sleep(5);
            }
        }
    }

    private Ended run(String... words) throws Exception {
        return start(words).end();
    }

    private static List<String> frameworks() throws IOException {
        try (Stream<Path> folders = Files.list(CACHE.resolve("frameworks"))) {
            return folders.map(path -> path.getFileName().toString())
                    .filter(name -> name.startsWith("process-"))
                    .toList();
        }
    }

    private static void isOneLine(String err, String part) {
        assertEquals(1, err.strip().lines().count(), err);
        assertTrue(err.contains(part), err);
    }

    @Test
    void aCommandsResultIsOnStandardOutputAlone() throws Exception {
        Ended env = run("env").expect(0);
        assertTrue(env.out().contains("nd4j"), env.out());
        assertEquals("", env.err());
        assertEquals(List.of(), frameworks(), "nothing of the framework stays");
        String midi = Luthier.LAYOUT.resolve("samples/bach-prelude.mid").toString();
        Ended score = run("score:compare", midi, midi, "--json").expect(0);
        Json.createReader(new StringReader(score.out())).readObject();
    }

    /** With this one, Java remarks that it makes its generations smaller. */
    @Test
    void aSmallHeapPutsNothingAmongTheResults() throws Exception {
        String midi = Luthier.LAYOUT.resolve("samples/bach-prelude.mid").toString();
        Ended score =
                run("--heap", "40m", "score:compare", midi, midi, "--json").expect(0);
        assertEquals("", score.err());
        Json.createReader(new StringReader(score.out())).readObject();
    }

    @Test
    void helpAndVersionNeedNoFramework() throws Exception {
        environment.put("LUTHIER_CACHE", folder.resolve("untouched").toString());
        assertTrue(run("--version").expect(0).out().startsWith("luthier "));
        assertTrue(run("--help").expect(0).out().contains("transcribe"));
        assertFalse(Files.exists(folder.resolve("untouched")));
        assertFalse(Files.exists(folder.resolve("home")));
    }

    @ParameterizedTest
    @CsvSource({
        "2, unknown command, no-such-command",
        "2, unknown option --nonsense, --nonsense env",
        "2, --threads, --threads zero env",
        "2, --threads, --threads 0 env",
        "2, --threads, env --threads 0",
        "2, --heap, --heap lots env",
        "2, --heap, env --heap lots",
        "2, at least 32m, --heap 31m env",
        "2, at least 32m, env --heap 1k",
        "2, at most, env --heap=99999g",
        "2, at most, --heap 9999999999999999999999g env",
        "2, --backend, --backend abacus env",
        "2, --backend, env --backend=abacus",
        "1, cuda, --backend cuda env",
        "1, no-such.wav, transcribe no-such.wav",
        "2, --no-such, transcribe --no-such a.wav",
    })
    void whatCannotBeDoneIsToldAndCoded(int code, String part, String line) throws Exception {
        Ended ended = run(line.split(" ")).expect(code);
        assertEquals("", ended.out());
        assertTrue(ended.err().startsWith("luthier: ") && ended.err().contains(part), ended.err());
        assertTrue(ended.err().lines().count() <= 2, ended.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"model:list", "--version", "score:compare SAMPLE SAMPLE --json", "help env", ""})
    @EnabledOnOs(OS.LINUX)
    void aResultThatCannotBeWrittenIsAFailure(String line) throws Exception {
        String sample = Luthier.LAYOUT.resolve("samples/bach-prelude.mid").toString();
        List<String> command =
                new ArrayList<>(List.of(Luthier.LAYOUT.resolve("luthier").toString()));
        Stream.of(line.split(" "))
                .filter(word -> !word.isEmpty())
                .forEach(word -> command.add(word.equals("SAMPLE") ? sample : word));
        Path in = Files.writeString(folder.resolve("commands"), "model:list\n");
        Path err = folder.resolve("full");
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectInput(in.toFile())
                .redirectOutput(Path.of("/dev/full").toFile())
                .redirectError(err.toFile());
        builder.environment().putAll(environment);
        Ended ended = new Running(builder.start(), in, err).end().expect(1);
        isOneLine(ended.err(), "could not be written to the standard output");
    }

    @Test
    void aFileMayBeCalledLikeAnOption() throws Exception {
        Files.copy(SAMPLE, folder.resolve("-dash.flac"));
        isOneLine(run("-dash.flac").expect(2).err(), "if it is an audio file: luthier transcribe -- -dash.flac");
        run("transcribe", "--quiet", "--", "-dash.flac").expect(0);
        assertTrue(Files.exists(folder.resolve("-dash.mid")));
    }

    @Test
    void aFolderThatCannotBeMadeIsOneLine() throws Exception {
        environment.put("LUTHIER_CACHE", "/dev/null/cache");
        isOneLine(run("env").expect(1).err(), "LUTHIER_CACHE");
    }

    /** Whoever may mount one has a disk that is full at once, and one into which the native libraries do not fit. */
    @ParameterizedTest
    @CsvSource({"100k, env, Luthier does not start", "20m, layer:tree, ND4J does not start"})
    @EnabledOnOs(OS.LINUX)
    void aFullDiskIsNamed(String size, String command, String what) throws Exception {
        Path disk = Files.createDirectories(folder.resolve("disk"));
        Assumptions.assumeTrue(
                start(Path.of("/bin/sh"), "", "-c", "mount -t tmpfs -o size=" + size + " none " + disk)
                                .end()
                                .code()
                        == 0,
                "no right to mount a small disk");
        try {
            environment.put("LUTHIER_CACHE", disk.resolve("cache").toString());
            String line = run(command).expect(1).err();
            isOneLine(line, what);
            assertTrue(line.contains("the disk of " + disk.resolve("cache")) && line.contains("LUTHIER_CACHE"), line);
        } finally {
            start(Path.of("/bin/sh"), "", "-c", "umount " + disk).end().expect(0);
        }
    }

    /** Blanks, what shells read as syntax, and letters beyond ASCII where the environment names no language. */
    @Test
    void namesArriveAsTheyAre() throws Exception {
        environment.put("LC_ALL", "C");
        Path place = Files.createDirectories(folder.resolve("a b+c%20,é"));
        Path link = Files.createSymbolicLink(place.resolve("my luthier"), Luthier.LAYOUT.resolve("luthier"));
        String name = "a b;c$HOME`d`'e\"f é.flac";
        Files.copy(SAMPLE, folder.resolve(name));
        start(link, "", "transcribe", name, "-o", "out put.mid", "--quiet")
                .end()
                .expect(0);
        assertTrue(Files.size(folder.resolve("out put.mid")) > 100);
    }

    /** Only a shell can say such names; Java cannot. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void namesThatAreNotUtf8AreTold() throws Exception {
        String latin1 = "$(printf 'caf\\351')";
        String luthier = "'" + Luthier.LAYOUT.resolve("luthier") + "'";
        for (String line : List.of(
                "touch " + latin1 + ".wav; " + luthier + " transcribe " + latin1 + ".wav",
                "echo transcribe " + latin1 + ".wav | " + luthier,
                "mkdir " + latin1 + "; cd " + latin1 + "; " + luthier + " env",
                "LUTHIER_HOME=\"$PWD/" + latin1 + "/home\" " + luthier + " env")) {
            Ended ended = start(Path.of("/bin/sh"), "", "-c", "cd \"$(mktemp -d -p .)\"; " + line)
                    .end()
                    .expect(1);
            isOneLine(ended.err(), "caf?");
            assertTrue(ended.err().contains("is not in UTF-8"), ended.err());
            new ProcessBuilder("/bin/sh", "-c", "rm -rf tmp.*")
                    .directory(folder.toFile())
                    .start()
                    .waitFor();
        }
    }

    @Test
    void anInstallFolderMayHaveAnyName() throws Exception {
        Path install = folder.resolve("in stall+é%41,;x");
        try (Stream<Path> files = Files.walk(Luthier.LAYOUT)) {
            for (Path file : files.filter(each -> !each.startsWith(Luthier.LAYOUT.resolve("lib")))
                    .toList()) {
                Files.copy(
                        file,
                        install.resolve(Luthier.LAYOUT.relativize(file).toString()),
                        StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
        Files.createSymbolicLink(install.resolve("lib"), Luthier.LAYOUT.resolve("lib"));
        assertTrue(start(install.resolve("luthier"), "", "model:list")
                .end()
                .expect(0)
                .out()
                .contains("ready"));
    }

    @Test
    void twoAtOnceGiveTheSame() throws Exception {
        Running one = start("transcribe", SAMPLE.toString(), "-o", "one.mid", "--quiet");
        Running two = start("transcribe", SAMPLE.toString(), "-o", "two.mid", "--quiet");
        one.end().expect(0);
        two.end().expect(0);
        assertEquals(-1, Files.mismatch(folder.resolve("one.mid"), folder.resolve("two.mid")));
    }

    /** Moments: while Java or the framework starts, when the work has begun, and in its midst. */
    @ParameterizedTest
    @ValueSource(strings = {"INT 150", "INT 400", "INT 900", "TERM 400", "INT work", "TERM work", "INT work 700"})
    void interruptingLeavesNoFile(String how) throws Exception {
        String[] words = how.split(" ");
        Sounds.arpeggio(600, folder.resolve("long.wav"));
        Path results = Files.createDirectories(folder.resolve("results"));
        Running running = start(
                "transcribe",
                "long.wav",
                "-o",
                "results/x.mid",
                "--notes",
                "results/x.json",
                "--plot",
                "results/x.png");
        if (words[1].equals("work")) {
            running.awaitOutput("long.wav: ");
            Thread.sleep(words.length > 2 ? Long.parseLong(words[2]) : 0);
        } else {
            Thread.sleep(Long.parseLong(words[1]));
        }
        running.signal(words[0]);
        Ended ended = running.end();
        // A Java machine that has hardly begun answers SIGTERM itself.
        assertTrue(
                ended.code() == 130 || words[0].equals("TERM") && !words[1].equals("work") && ended.code() == 143,
                ended.toString());
        try (Stream<Path> left = Files.list(results)) {
            assertEquals(List.of(), left.toList());
        }
        assertTrue(ended.err().lines().noneMatch(line -> line.contains("Exception")), ended.err());
    }

    @Test
    void whatAKilledProcessLeftIsRemovedByTheNext() throws Exception {
        Sounds.arpeggio(600, folder.resolve("long.wav"));
        Running killed = start("transcribe", "long.wav", "-o", "x.mid");
        killed.awaitOutput("long.wav: ");
        killed.process().destroyForcibly();
        killed.end();
        assertEquals(1, frameworks().size());
        run("env").expect(0);
        assertEquals(List.of(), frameworks());
    }

    @Test
    void aPipeOfCommandsRunsLineByLine() throws Exception {
        Ended piped = start(Luthier.LAYOUT.resolve("luthier"), "# a remark\n\nmodel:list\nno-such\nenv\n")
                .end()
                .expect(2);
        assertTrue(piped.out().contains("basic-pitch") && piped.out().contains("nd4j"), piped.out());
        isOneLine(
                piped.err(),
                "luthier: unknown command 'no-such' (a script has exit and Luthier's commands only; help lists them)");
        start(Luthier.LAYOUT.resolve("luthier"), "").end().expect(0);
    }

    @ParameterizedTest
    @CsvSource({"0, exit", "0, env && quit", "3, exit 3; env", "2, no-such; exit", "0, no-such; exit 0"})
    void exitEndsAPipeOfCommands(int code, String line) throws Exception {
        Ended ended = start(Luthier.LAYOUT.resolve("luthier"), line.replace("; ", "\n") + "\nmodel:list\n")
                .end()
                .expect(code);
        assertFalse(ended.out().contains("basic-pitch  "), ended.out());
        assertTrue(ended.err().lines().count() <= 1, ended.err());
    }

    @Test
    void whatIsWrongWithALineIsToldWithoutClasses() throws Exception {
        Files.createDirectories(folder.resolve("closed"));
        Ended piped = start(
                        Luthier.LAYOUT.resolve("luthier"),
                        "transcribe *.nothing\nenv > nowhere/x\nenv > closed\n%(1+)\nmodel:list | head -1\n")
                .end();
        assertEquals(
                List.of(
                        "luthier: no matches found: *.nothing",
                        "luthier: " + folder.toRealPath().resolve("nowhere/x") + ": there is no such file or folder",
                        "luthier: " + folder.toRealPath().resolve("closed") + ": cannot be used: Is a directory",
                        "luthier: cannot be understood: %(1+)",
                        "luthier: unknown command 'head'; did you mean help? (a script has exit and Luthier's commands"
                                + " only; help lists them)"),
                piped.err().lines().toList());
    }

    @Test
    void interruptingAPipedCommandEndsTheSession() throws Exception {
        Sounds.arpeggio(600, folder.resolve("long.wav"));
        Running running = start(Luthier.LAYOUT.resolve("luthier"), "transcribe long.wav -o x.mid\nmodel:list\n");
        running.awaitOutput("long.wav: ");
        running.signal("INT");
        Ended ended = running.end().expect(130);
        assertEquals("", ended.out());
        assertFalse(Files.exists(folder.resolve("x.mid")));
    }

    @Test
    void aPluginThatIsKeptIsLoadedAndABrokenOneLeftOut() throws Exception {
        Path second = Builds.of(
                "org.luthier.assembler-basicpitch",
                "7.0.0",
                "Note creation of Basic Pitch",
                "Second build of Basic Pitch!",
                folder.resolve("second.jar"));
        run("plugin:swap", "basic-pitch-notes", second.toString()).expect(0);
        Files.writeString(folder.resolve("home/plugins/broken.jar"), "no jar");
        Ended list = run("plugin:list").expect(0);
        assertTrue(list.out().contains("Second build of Basic Pitch!"), list.out());
        isOneLine(list.err(), "broken.jar");
    }

    @Test
    void anOldJavaIsNamed() throws Exception {
        Path old = Files.createDirectories(folder.resolve("jdk-11/bin"));
        Files.writeString(old.resolveSibling("release"), "IMPLEMENTOR=\"X\"\nJAVA_VERSION=\"11.0.2\"\n");
        Path java = Files.writeString(old.resolve("java"), "#!/bin/sh\nexit 1\n");
        assertTrue(java.toFile().setExecutable(true));
        Path bin = Files.createDirectories(folder.resolve("bin"));
        for (String tool : List.of("bash", "env", "uname", "grep", "readlink")) {
            Path there = Stream.of("/bin", "/usr/bin")
                    .map(at -> Path.of(at, tool))
                    .filter(Files::exists)
                    .findFirst()
                    .orElseThrow();
            Files.createSymbolicLink(bin.resolve(tool), there);
        }
        environment.put("PATH", bin.toString());
        environment.put("JAVA_HOME", folder.resolve("jdk-11").toString());
        isOneLine(run("env").expect(1).err(), "jdk-11 is Java 11");
        environment.put("JAVA_HOME", "");
        isOneLine(run("env").expect(1).err(), "Java 17");
    }
}
