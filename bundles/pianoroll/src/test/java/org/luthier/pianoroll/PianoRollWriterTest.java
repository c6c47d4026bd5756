package org.luthier.pianoroll;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import javax.imageio.ImageIO;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Provenance;
import org.luthier.api.notes.Timing;
import org.luthier.api.notes.Transcription;
import org.luthier.api.plugin.PartVersion;

class PianoRollWriterTest {
    @Test
    void anotherDecoderSeesThePixelsThatWereDrawn() throws IOException {
        Transcription transcription = transcription("a.wav", 2, List.of(Note.of(0.5, 1.5, 60, 127, 0, false)));
        Canvas canvas = new PianoRoll(transcription).draw();
        BufferedImage image = image(transcription);
        assertEquals(List.of(canvas.width(), canvas.height()), List.of(image.getWidth(), image.getHeight()));
        for (int y = 0; y < canvas.height(); y++) {
            for (int x = 0; x < canvas.width(); x++) {
                assertEquals(canvas.pixel(x, y), image.getRGB(x, y) & 0xFFFFFF);
            }
        }
    }

    @Test
    void aNoteIsWhereAndWhenItSounds() throws IOException {
        List<Note> notes = List.of(Note.of(0.5, 1.5, 60, 127, 0, false));
        BufferedImage image = image(transcription("a.wav", 2, notes));
        Layout layout = Layout.of(notes, 2);
        int y = layout.rowTop(0, 60) + layout.semitone() / 2;
        int piano = Colours.instrument(0, false);
        assertEquals(piano, at(image, layout.x(0, 0.6), y));
        assertEquals(piano, at(image, layout.x(0, 1.4), y));
        assertNotEquals(piano, at(image, layout.x(0, 0.45), y));
        assertNotEquals(piano, at(image, layout.x(0, 1.55), y));
        assertNotEquals(piano, at(image, layout.x(0, 1), y + layout.semitone()));
        assertNotEquals(piano, at(image, layout.x(0, 1), y - layout.semitone()));
    }

    @Test
    void softerNotesArePalerAndInstrumentsDiffer() throws IOException {
        List<Note> notes = List.of(
                Note.of(0, 1, 60, 127, 0, false), Note.of(0, 1, 64, 30, 0, false), Note.of(0, 1, 67, 127, 24, false));
        BufferedImage image = image(transcription("a.wav", 1, notes));
        Layout layout = Layout.of(notes, 1);
        int[] colours = notes.stream()
                .mapToInt(note -> at(image, layout.x(0, 0.5), layout.rowTop(0, note.pitch()) + layout.semitone() / 2))
                .toArray();
        assertTrue((colours[1] & 0xFF) > (colours[0] & 0xFF) && (colours[1] >> 16) > (colours[0] >> 16));
        assertNotEquals(colours[0], colours[2]);
    }

    @Test
    void bendsAreDrawn() throws IOException {
        Note plain = Note.of(0, 1, 60, 100, 0, false);
        Note bent = new Note(0, 1, 60, 100, 0, false, 0.8, IntLists.immutable.of(0, 0, 6, 6, 0));
        Layout layout = Layout.of(List.of(plain), 1);
        // Six thirds are two semitones up, in the middle of the note.
        int y = layout.rowTop(0, 62) + (layout.semitone() - 1) / 2;
        BufferedImage without = image(transcription("a.wav", 1, List.of(plain)));
        BufferedImage with = image(transcription("a.wav", 1, List.of(bent)));
        assertNotEquals(at(without, layout.x(0, 0.6), y), at(with, layout.x(0, 0.6), y));
        assertEquals(at(without, layout.x(0, 0.1), y), at(with, layout.x(0, 0.1), y));
    }

    @Test
    void aNoteThatCrossesALineEndGoesOnOnTheNext() throws IOException {
        List<Note> notes = List.of(Note.of(28, 32, 60, 127, 0, false));
        BufferedImage image = image(transcription("a.wav", 60, notes));
        Layout layout = Layout.of(notes, 60);
        assertEquals(2, layout.lines());
        for (int line = 0; line < 2; line++) {
            int y = layout.rowTop(line, 60) + layout.semitone() / 2;
            assertEquals(Colours.instrument(0, false), at(image, layout.x(line, 29 + 2 * line), y), "line " + line);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "30, 1", "30.1, 2", "90, 3", "3600, 12", "36000, 12"})
    void anyLengthMakesAPageOfBoundedSize(double duration, int lines) {
        List<Note> whole = List.of(Note.of(0, 0, 0, 1, 0, false), Note.of(0, 0, 127, 1, 0, false));
        Layout layout = Layout.of(whole, duration);
        assertEquals(lines, layout.lines());
        assertTrue(layout.height() <= 6000, () -> layout.height() + " pixels");
        assertTrue(layout.height() >= 300, () -> layout.height() + " pixels");
    }

    @Test
    void noNotesAndStrangeNamesMakeAPage() throws IOException {
        for (String name : List.of("", "söng für Ёлка 🎵.wav", "x".repeat(5000), "a\nb\u0000.wav")) {
            assertEquals(1600, image(transcription(name, 0, List.of())).getWidth(), name);
        }
    }

    @Test
    void anHourOfEveryInstrumentIsDrawnTheSameTwice() throws IOException {
        Random random = new Random(3);
        List<Note> notes = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            double start = random.nextDouble() * 3600;
            boolean drum = random.nextInt(8) == 0;
            notes.add(Note.of(
                    start,
                    start + random.nextDouble() * 2,
                    random.nextInt(128),
                    1 + random.nextInt(127),
                    drum ? 0 : random.nextInt(128),
                    drum));
        }
        byte[] first = png(transcription("hour.flac", 3600, notes));
        assertArrayEquals(first, png(transcription("hour.flac", 3600, notes)));
        assertTrue(first.length < 4 << 20, () -> first.length + " bytes");
    }

    @Test
    void everyPrintableAsciiLetterAndDigitHasStrokes() throws IOException {
        Lettering lettering = new Lettering();
        double unknown = lettering.width("\u20AC", 12);
        Canvas canvas = new Canvas(40, 20, Colours.WHITE);
        for (char c = '!'; c <= 'z'; c++) {
            if (Character.isLetterOrDigit(c)) {
                Canvas letter = new Canvas(40, 20, Colours.WHITE);
                lettering.draw(letter, Character.toString(c), 4, 2, 12, Colours.INK);
                boolean inked = false;
                for (int y = 0; y < 20; y++) {
                    for (int x = 0; x < 40; x++) {
                        inked |= letter.pixel(x, y) != canvas.pixel(x, y);
                    }
                }
                assertTrue(inked, "strokes of " + c);
            }
        }
        assertEquals(lettering.width("?", 12), unknown);
        assertTrue(lettering.width(lettering.fit("a".repeat(500), 12, 100), 12) <= 100);
        assertEquals("abc", lettering.fit("abc", 12, 100));
    }

    @Test
    void everyProgramHasItsNameInLettersThatCanBeDrawn() throws IOException {
        Instruments instruments = new Instruments();
        assertEquals("Acoustic Grand Piano", instruments.name(0, false));
        assertEquals("Electric Piano 1", instruments.name(4, false));
        assertEquals("Gunshot", instruments.name(127, false));
        assertEquals("Drums", instruments.name(0, true));
        for (int program = 0; program < 128; program++) {
            assertTrue(
                    instruments.name(program, false).matches("[A-Za-z0-9 ()+-]{4,24}"),
                    instruments.name(program, false));
        }
    }

    @Test
    void aLongFileNameLeavesRoomForTheLegend() throws IOException {
        List<Note> notes = List.of(Note.of(0, 1, 60, 127, 4, false));
        BufferedImage image = image(transcription("a long name ".repeat(30) + ".wav", 2, notes));
        int legend = 0;
        for (int x = Layout.WIDTH / 2; x < Layout.ROLL_RIGHT; x++) {
            legend += at(image, x, 30) == Colours.instrument(4, false) ? 1 : 0;
        }
        assertTrue(legend >= 10, legend + " pixels of the instrument's colour beside the title");
    }

    private static int at(BufferedImage image, double x, int y) {
        return image.getRGB((int) x, y) & 0xFFFFFF;
    }

    private static BufferedImage image(Transcription transcription) throws IOException {
        return ImageIO.read(new ByteArrayInputStream(png(transcription)));
    }

    private static byte[] png(Transcription transcription) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        new PianoRollWriter().write(transcription, out);
        return out.toByteArray();
    }

    private static Transcription transcription(String file, double duration, List<Note> notes) {
        PartVersion part = new PartVersion("basic-pitch", "0.1.0");
        AudioFacts audio = new AudioFacts(file, "wav", 22050, 1, 1, 0.5, 0, 0, false, List.of());
        Provenance provenance = new Provenance(
                "0.1.0", part, "abc", null, null, part, "cpu", "cpu", Map.of(), audio, List.of(), List.of());
        return new Transcription(duration, notes, List.of(), 0, 0, provenance, "midi", new Timing(0, 0, 0, 0, 0, 0));
    }
}
