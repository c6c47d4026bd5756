package org.luthier.midi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Note;

class MidiReaderTest {
    @Test
    void readsRunningStatusAndBothKindsOfEnds() {
        // Note on 60, 62 by running status; 60 ends by velocity 0, 62 by a note-off.
        byte[] file = file(0, 96, "00 90 3C 40", "00 3E 50", "60 3C 00", "60 80 3E 00");
        assertEquals(List.of(Note.of(0, 0.5, 60, 64, 0, false), Note.of(0, 1, 62, 80, 0, false)), read(file));
    }

    @Test
    void theFirstToStartIsTheFirstToEnd() {
        byte[] file = file(0, 96, "00 90 3C 01", "60 3C 02", "60 3C 00", "60 3C 00", "60 3C 00");
        assertEquals(List.of(Note.of(0, 1, 60, 1, 0, false), Note.of(0.5, 1.5, 60, 2, 0, false)), read(file));
    }

    @Test
    void aNoteThatNeverEndsIsLeftOut() {
        assertEquals(List.of(), read(file(0, 96, "00 90 3C 01")));
    }

    @Test
    void tempoChangesOfOneTrackHoldForAll() {
        // A quarter of a second, then of two: ticks 96 and 192.
        byte[] file = files(
                1,
                96,
                List.of(
                        List.of("00 FF 51 03 03 D0 90", "60 FF 51 03 1E 84 80"),
                        List.of("00 90 3C 40", "60 3C 00", "00 3E 40", "60 3E 00")));
        assertEquals(List.of(Note.of(0, 0.25, 60, 64, 0, false), Note.of(0.25, 2.25, 62, 64, 0, false)), read(file));
    }

    @Test
    void aNotesProgramIsItsChannelsWhenItEnds() {
        byte[] file = file(0, 96, "00 C0 05", "00 90 3C 40", "30 C0 07", "30 90 3C 00", "00 99 24 40", "60 24 00");
        assertEquals(List.of(Note.of(0, 0.5, 60, 64, 7, false), Note.of(0.5, 1, 36, 64, 0, true)), read(file));
    }

    @Test
    void smpteTimeNeedsNoTempo() {
        // 25 frames a second of 40 ticks: 1000 ticks a second; the tempo means nothing.
        byte[] file = file(0, 0xE728, "00 FF 51 03 1E 84 80", "00 90 3C 40", "87 68 3C 00");
        assertEquals(List.of(Note.of(0, 1, 60, 64, 0, false)), read(file));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "empty | '' | expected a MIDI file",
                "text | 48656C6C6F2C20776F726C64210A | expected a MIDI file",
                "no track | 4D546864 00000006 0001 0001 0060 | it ends at byte 14",
                "no resolution | 4D546864 00000006 0001 0000 0000 | 0 ticks a quarter",
                "a track of 2 GB | 4D546864 00000006 0000 0001 0060 4D54726B 7FFFFFFF 00903C40 | the chunk at byte 14",
                "a track of 4 GB | 4D546864 00000006 0000 0001 0060 4D54726B FFFFFFFF 00903C40 | the chunk at byte 14",
                "a header of 4 GB | 4D546864 FFFFFFFF 0000 0001 0060 4D54726B 00000004 00903C40 | it ends at byte",
                "a header of nothing | 4D546864 00000000 0000 0001 0060 4D54726B 00000004 00903C40 | it ends at byte",
                "format 9 | 4D546864 00000006 0009 0001 0060 4D54726B 00000004 00FF2F00 | damaged",
                "a meta event of 256 MB | 4D546864 00000006 0000 0001 0060 4D54726B 00000007 00FF01FFFFFF7F | damaged",
                "a tempo of 1 byte | 4D546864 00000006 0000 0001 0060 4D54726B 00000009 00FF510101 00FF2F00 | damaged",
                "a data byte of 200 | 4D546864 00000006 0000 0001 0060 4D54726B 00000008 00903CC8 00FF2F00 | damaged",
                "running status of nothing | 4D546864 00000006 0000 0001 0060 4D54726B 00000003 003C40 | damaged"
            })
    void damagedFilesAreRefusedInOneLine(String what, String hex, String reason) {
        byte[] file = HexFormat.of().parseHex(hex.replace(" ", ""));
        String message =
                assertThrows(LuthierException.class, () -> read(file), what).getMessage();
        assertTrue(message.contains(reason), what + ": " + message);
        assertEquals(1, message.lines().count());
    }

    @Test
    void aHugeFileIsRefusedAfterItsLimit() {
        InputStream endless = new InputStream() {
            private long left = 1L << 40;

            @Override
            public int read() {
                return left-- > 0 ? 0x4D : -1;
            }

            @Override
            public int read(byte[] bytes, int offset, int length) {
                Arrays.fill(bytes, offset, offset + length, (byte) 0x4D);
                left -= length;
                return length;
            }
        };
        String message = assertThrows(LuthierException.class, () -> MidiReader.read(endless))
                .getMessage();
        assertTrue(message.contains("more than"), message);
    }

    @Test
    void whatIsNoFileIsRefused(@TempDir Path folder) {
        assertTrue(assertThrows(LuthierException.class, () -> MidiReader.read(folder))
                .getMessage()
                .contains("it is no file"));
        assertTrue(assertThrows(LuthierException.class, () -> MidiReader.read(folder.resolve("none.mid")))
                .getMessage()
                .contains("there is no such file"));
    }

    @Test
    void readsAFile(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("a b.mid");
        Files.write(file, file(0, 96, "00 90 3C 40", "60 3C 00"));
        assertEquals(List.of(Note.of(0, 0.5, 60, 64, 0, false)), MidiReader.read(file));
    }

    /** Whatever is cut or changed, the answer is notes or one LuthierException. */
    @Test
    void randomDamageNeverEscapes() {
        byte[] sound = Transcriptions.write(
                List.of(
                        Note.of(0, 1, 60, 100, 5, false),
                        Note.of(0.5, 1.5, 64, 90, 17, false),
                        Note.of(1, 2, 36, 80, 0, true)),
                Map.of());
        Random random = new Random(11);
        int refused = 0;
        for (int round = 0; round < 5000; round++) {
            byte[] damaged = Arrays.copyOf(sound, round % 2 == 0 ? sound.length : random.nextInt(sound.length));
            for (int i = 0; i < 1 + random.nextInt(4) && damaged.length > 0; i++) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
            }
            try {
                for (Note note : read(damaged)) {
                    assertTrue(note.end() >= note.start() && note.pitch() < 128 && note.velocity() > 0, note::toString);
                }
            } catch (LuthierException e) {
                refused++;
                assertFalse(e.getMessage().contains("\n"), e.getMessage());
            }
        }
        assertTrue(refused > 1000, refused + " refused");
    }

    private static List<Note> read(byte[] file) {
        return MidiReader.read(new ByteArrayInputStream(file));
    }

    private static byte[] file(int format, int division, String... events) {
        return files(format, division, List.of(List.of(events)));
    }

    private static byte[] files(int format, int division, List<List<String>> tracks) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(hex(String.format("4D546864 00000006 %04X %04X %04X", format, tracks.size(), division)));
        for (List<String> track : tracks) {
            List<String> events = new ArrayList<>(track);
            events.add("00 FF 2F 00");
            byte[] data = hex(String.join("", events));
            out.writeBytes(hex(String.format("4D54726B %08X", data.length)));
            out.writeBytes(data);
        }
        return out.toByteArray();
    }

    private static byte[] hex(String hex) {
        return HexFormat.of().parseHex(hex.replace(" ", ""));
    }
}
