package org.luthier.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** With a made-up {@code nvidia-smi} on the path. */
@DisabledOnOs(OS.WINDOWS)
class GpuCheckTest {
    @TempDir
    Path folder;

    /** What the check printed, and how it ended. */
    private record Answer(int code, String out, String err) {}

    private Answer check(String... script) throws Exception {
        Path bin = Files.createDirectories(folder.resolve("bin"));
        if (script.length > 0) {
            List<String> lines = new ArrayList<>(List.of("#!/bin/sh"));
            lines.addAll(List.of(script));
            Path tool = Files.write(bin.resolve("nvidia-smi"), lines);
            Files.setPosixFilePermissions(tool, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        return run(bin, "-cp", System.getProperty("java.class.path"), GpuCheck.class.getName());
    }

    private Answer run(Path bin, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(List.of(arguments));
        File out = folder.resolve("out").toFile();
        File err = folder.resolve("err").toFile();
        ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(out).redirectError(err);
        // Only what the made-up tools themselves need.
        builder.environment().put("PATH", bin.toString());
        Process process = builder.start();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), "does not end");
        return new Answer(
                process.exitValue(),
                Files.readString(out.toPath()).strip(),
                Files.readString(err.toPath()).strip());
    }

    private static void refused(Answer answer, String part) {
        assertEquals(1, answer.code(), answer.err());
        assertEquals("", answer.out());
        assertEquals(1, answer.err().lines().count(), answer.err());
        assertTrue(
                answer.err().startsWith("luthier: --backend nd4j-cuda: ")
                        && answer.err().contains(part),
                answer.err());
    }

    @Test
    void aGpuWithCodeForItIsTaken() throws Exception {
        assertEquals(new Answer(0, "0", ""), check("echo '0, NVIDIA A10, 8.6'"));
        assertEquals(new Answer(0, "0", ""), check("echo '0, Tesla K80, 3.7'"));
        assertEquals(new Answer(0, "1", ""), check("echo '0, NVIDIA H100, 80GB, 9.0'", "echo '1, NVIDIA L4, 8.9'"));
    }

    @Test
    void aGpuWithoutIsNamedWithItsCapability() throws Exception {
        refused(check("echo '0, NVIDIA H100 80GB HBM3, 9.0'"), "NVIDIA H100 80GB HBM3 (compute capability 9.0)");
        refused(check("echo '0, NVIDIA B200, 10.0'"), "compute capability 10.0");
        refused(check("echo '0, Tesla K10, 3.0'"), "3.7 to 8.9");
        refused(check("echo '0, Odd, [N/A]'"), "compute capability [N/A]");
    }

    @Test
    void noToolNoGpuOrNonsenseIsNoUsableGpu() throws Exception {
        refused(check(), "no usable NVIDIA GPU found (nvidia-smi is not there");
        refused(check("exit 0"), "lists none");
        refused(check("echo 'No devices were found'; exit 6"), "failed with 6: No devices were found");
        refused(check("echo 'garbage'"), "answers 'garbage'");
        refused(check("echo 'a, b, c'"), "answers 'a, b, c'");
    }

    @Test
    void theSourceRunsAlone() throws Exception {
        Path source = Path.of(
                System.getProperty("luthier.root"),
                "runtime/launcher/src/main/java/org/luthier/launcher/GpuCheck.java");
        refused(run(Files.createDirectories(folder.resolve("bin")), source.toString()), "no usable NVIDIA GPU found");
    }

    @Test
    @Tag("full")
    void aToolThatHangsIsGivenUp() throws Exception {
        refused(check("exec /bin/sleep 100"), "did not answer within");
    }
}
