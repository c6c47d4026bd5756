package org.luthier.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The interactive shell as somebody types into it, on a terminal that the program {@code script} makes. */
@EnabledOnOs(OS.LINUX)
@Timeout(180)
class TerminalTest {
    private static final Path SCRIPT = Path.of("/usr/bin/script");
    private static final Path CACHE = Path.of("target/process-cache").toAbsolutePath();
    private static final String PROMPT = "luthier> ";
    private static final String CTRL_D = "\u0004";

    @TempDir
    Path folder;

    private Process process;
    private Path screen;
    private int seen;

    @BeforeEach
    void start() throws IOException {
        Assumptions.assumeTrue(Files.isExecutable(SCRIPT), "no " + SCRIPT + " to make a terminal");
        screen = folder.resolve("screen");
        ProcessBuilder builder = new ProcessBuilder(
                        SCRIPT.toString(),
                        "-qefc",
                        "stty cols 120 rows 40; exec '" + Luthier.LAYOUT.resolve("luthier") + "'",
                        "/dev/null")
                .directory(folder.toFile())
                .redirectOutput(screen.toFile())
                .redirectErrorStream(true);
        builder.environment().put("LUTHIER_HOME", folder.resolve("home").toString());
        builder.environment().put("LUTHIER_CACHE", CACHE.toString());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("TERM", "xterm");
        process = builder.start();
    }

    @AfterEach
    void end() {
        if (process != null) {
            process.destroyForcibly();
        }
    }

    /** Everything on the screen so far, without colours and cursor movements. */
    private String text() throws IOException {
        return Files.readString(screen).replaceAll("\u001b\\[[0-9;?]*[a-zA-Z]|\u001b[=>]", "");
    }

    /** Waits until something new is on the screen. */
    private void await(String part) throws Exception {
        while (text().indexOf(part, seen) < 0) {
            assertTrue(process.isAlive(), () -> "ended before it showed '" + part + "'");
            Thread.sleep(20);
        }
        seen = text().length();
    }

    private void type(String keys) throws IOException {
        process.getOutputStream().write(keys.getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
    }

    private void endsWith(int code) throws Exception {
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), "does not end");
        assertEquals(code, process.exitValue(), text());
    }

    @Test
    void tabCompletesNamesThatMustBeEscaped() throws Exception {
        Files.copy(Luthier.LAYOUT.resolve("samples/bach-prelude.mid"), folder.resolve("a b (1).mid"));
        await(PROMPT);
        type("score:compare a\t");
        await("a\\ b\\ \\(1\\).mid");
        type(" a\t");
        await("a\\ b\\ \\(1\\).mid");
        type("\r");
        await("drums");
        await(PROMPT);
        type(CTRL_D);
        endsWith(0);
        assertFalse(text().contains("gosh"), text());
        assertFalse(text().contains("Exception"), text());
    }

    @Test
    void whatIsNoCommandIsToldInOneLine() throws Exception {
        await(PROMPT);
        type("model:lits\r");
        await("luthier: unknown command 'model:lits'; did you mean model:list?");
        await(PROMPT);
        type("model:list | tail -2\r");
        await("yourmt3-single");
        await(PROMPT);
        type("exit\r");
        endsWith(0);
        assertFalse(text().contains("Exception") || text().contains("gosh"), text());
        assertFalse(text().contains("STATE"), "the last two lines only: " + text());
    }

    @Test
    void aShellThatDiesEndsTheProcessWithOneLine() throws Exception {
        await(PROMPT);
        type("$.reader setParser $.nothing\r");
        await(PROMPT);
        type("env\r");
        endsWith(1);
        assertTrue(
                text().lines()
                        .anyMatch(line -> line.startsWith("luthier: internal error: the shell has ended by itself;")),
                text());
        assertFalse(text().contains("Exception"), text());
    }
}
