package org.luthier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A throw-away Maven project with one dependency, built against the installed artifacts and run in a Java machine of its own: it needs
 * {@code mvn install} to have run.
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
        Assumptions.assumeTrue(
                Files.isDirectory(REPOSITORY.resolve("org/luthier/luthier").resolve(VERSION)),
                "org.luthier:luthier is not installed; run mvn install first");
        Path project = folder.resolve("project");
        copy(ROOT.resolve("runtime/library/src/consumer"), project);
        run(
                project,
                "mvn",
                "-o",
                "-q",
                "-B",
                "-Dluthier.version=" + VERSION,
                "-Dmaven.repo.local=" + REPOSITORY,
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
