package org.luthier.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A throw-away Maven project with Luthier as its one dependency, built and run in Java machines of its own, without a framework. Its
 * local repository holds what this build has packaged; everything else comes from the repository of this build.
 */
@Tag("full")
class ConsumerTest {
    private static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    private static final String VERSION = System.getProperty("luthier.version");
    private static final Path REPOSITORY = Path.of(System.getProperty("luthier.repository"));

    @TempDir
    Path folder;

    @Test
    void oneDependencyIsEnough() throws Exception {
        Path local = folder.resolve("repository");
        addPackaged(local);
        Path settings = Files.writeString(
                folder.resolve("settings.xml"),
                "<settings><localRepository>" + local
                        + "</localRepository><mirrors><mirror><id>build</id><mirrorOf>*</mirrorOf><url>"
                        + REPOSITORY.toUri() + "</url></mirror></mirrors></settings>");
        Path project = folder.resolve("project");
        copy(ROOT.resolve("runtime/library/src/consumer"), project);
        run(
                project,
                "mvn",
                "-q",
                "-B",
                "-s",
                settings.toString(),
                "-Dluthier.version=" + VERSION,
                "-Dmdep.outputFile=classpath.txt",
                "compile",
                "dependency:build-classpath");
        String classPath = Files.readString(project.resolve("classpath.txt")).strip();
        for (String entry : classPath.split(File.pathSeparator)) {
            String jar = Path.of(entry).getFileName().toString();
            assertFalse(jar.startsWith("osgi.core") || jar.contains("felix"), "a framework on the class path: " + jar);
            // Two JavaCPPs on one class path load the wrong natives.
            assertFalse(jar.matches("(javacpp|openblas)-.*1\\.5\\.7.*"), "ND4J's own natives came back: " + jar);
        }
        Path midi = folder.resolve("bach.mid");
        String said = run(
                folder,
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                project.resolve("target/classes") + File.pathSeparator + classPath,
                "example.Consumer",
                ROOT.resolve("samples/bach-prelude.flac").toString(),
                midi.toString());
        Matcher notes = Pattern.compile("notes: (\\d+)").matcher(said);
        assertTrue(notes.find(), said);
        assertTrue(Integer.parseInt(notes.group(1)) > 0, said);
        assertEquals("MThd", new String(Files.readAllBytes(midi), 0, 4, java.nio.charset.StandardCharsets.US_ASCII));
    }

    /** Puts the jars and POMs of this build where Maven looks for them. */
    private static void addPackaged(Path local) throws IOException {
        List<Path> modules = new ArrayList<>(List.of(ROOT, ROOT.resolve("weight-converter")));
        for (String group : List.of("bundles", "runtime")) {
            try (Stream<Path> folders = Files.list(ROOT.resolve(group))) {
                folders.forEach(modules::add);
            }
        }
        for (Path module : modules) {
            Path pom = module.resolve("pom.xml");
            if (!Files.exists(pom)) {
                continue;
            }
            String artifact = module.equals(ROOT) ? "org.luthier.parent" : artifact(pom);
            Path home = local.resolve("org/luthier").resolve(artifact).resolve(VERSION);
            Files.createDirectories(home);
            Files.copy(pom, home.resolve(artifact + "-" + VERSION + ".pom"));
            Path jar = module.resolve("target").resolve(artifact + "-" + VERSION + ".jar");
            if (Files.exists(jar)) {
                Files.copy(jar, home.resolve(jar.getFileName()));
            }
        }
    }

    private static String artifact(Path pom) throws IOException {
        Matcher own =
                Pattern.compile("</parent>\\s*<artifactId>([^<]+)</artifactId>").matcher(Files.readString(pom));
        assertTrue(own.find(), pom.toString());
        return own.group(1);
    }

    private static void copy(Path source, Path target) throws IOException {
        try (Stream<Path> files = Files.walk(source)) {
            for (Path file : files.toList()) {
                Files.copy(file, target.resolve(source.relativize(file).toString()));
            }
        }
    }

    private String run(Path where, String... command) throws IOException, InterruptedException {
        Path output = folder.resolve("output.txt");
        Process process = new ProcessBuilder(command)
                .directory(where.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        boolean ended = process.waitFor(5, TimeUnit.MINUTES);
        process.destroyForcibly();
        String said = Files.readString(output);
        assertTrue(ended && process.exitValue() == 0, () -> List.of(command) + ": " + said);
        return said;
    }
}
