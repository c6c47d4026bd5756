package org.luthier.shell.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ProgressLineTest {
    private final Captured captured = new Captured();
    private long now = Long.MAX_VALUE - 10; // Nanoseconds may wrap around.

    private ProgressLine line(boolean terminal, boolean quiet, String subject) {
        return new ProgressLine(captured.console(terminal, quiet, Path.of("")), subject, () -> now);
    }

    private void pass(long milliseconds) {
        now += TimeUnit.MILLISECONDS.toNanos(milliseconds);
    }

    @Test
    void printsALineEveryTwoSecondsAndOneAtTheEnd() {
        try (ProgressLine line = line(false, false, "song.wav")) {
            for (int i = 0; i <= 50; i++) {
                line.update("windows", i, 50);
                pass(100);
            }
        }
        assertEquals("song.wav: windows 40 %\nsong.wav: windows 80 %\nsong.wav: windows 100 %\n", captured.err());
    }

    @Test
    void isSilentAboutWhatIsShort() {
        try (ProgressLine line = line(false, false, "song.wav")) {
            line.update("windows", 1, 2);
            pass(500);
            line.update("windows", 2, 2);
        }
        assertEquals("", captured.err());
    }

    @Test
    void isSilentIfQuiet() {
        try (ProgressLine line = line(true, true, "song.wav")) {
            pass(60_000);
            line.update("windows", 1, 2);
        }
        assertEquals("", captured.err());
    }

    @Test
    void redrawsOneLineOnATerminalAndClearsIt() {
        try (ProgressLine line = line(true, false, "song\u001b[2J.wav")) {
            pass(150);
            line.update("windows", 1, 2);
            pass(10);
            line.update("windows", 2, 2);
        }
        String err = captured.err();
        assertTrue(err.contains("song?[2J.wav: windows [############............]  50 %"), err);
        assertFalse(err.contains("100 %"), "redrawn too soon: " + err);
        assertFalse(err.contains("\n"), err);
        assertTrue(err.endsWith(" \r"), err);
    }

    @Test
    void fitsALongNameIntoTheLine() {
        try (ProgressLine line = line(true, false, "n".repeat(300) + ".wav")) {
            pass(150);
            line.update("windows", 1, 2);
            String shown = captured.err().substring(captured.err().lastIndexOf('\r') + 1);
            assertEquals(79, shown.length(), shown);
            assertTrue(shown.startsWith("...nnn"), shown);
        }
    }

    @Test
    void saysThePhaseWhereTheTotalIsUnknown() {
        try (ProgressLine line = line(false, false, "song.wav")) {
            pass(2000);
            line.update("decode audio", 12345, -1);
        }
        assertEquals("song.wav: decode audio\n", captured.err());
    }
}
