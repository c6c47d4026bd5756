package org.luthier.midi;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.sound.midi.InvalidMidiDataException;
import javax.sound.midi.MetaMessage;
import javax.sound.midi.MidiEvent;
import javax.sound.midi.MidiMessage;
import javax.sound.midi.Sequence;
import javax.sound.midi.ShortMessage;
import javax.sound.midi.Track;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Note;

/**
 * Reads the notes of a standard MIDI file, for scores against it.
 *
 * <p>All tracks are laid over each other in time. A note's end is paired with the first note of its pitch that still sounds on its
 * channel; a note that never ends is left out. Its program is the channel's when it ends; notes on channel 10 (9 from 0) are drums.
 */
public final class MidiReader {
    /** Real files are far smaller, and an event takes some fifty times its bytes in memory. */
    private static final int MOST_BYTES = 16 << 20;

    private static final int HEADER = 0x4D546864; // MThd
    private static final int TRACK = 0x4D54726B; // MTrk
    private static final int META_TEMPO = 0x51;
    private static final int DRUMS = 9;

    private MidiReader() {}

    /**
     * Reads a file.
     *
     * @return the notes by start, then pitch; seconds
     * @throws LuthierException if there is no such file or it is no sound MIDI file
     */
    public static List<Note> read(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new LuthierException(
                    "cannot read " + file + ": " + (Files.exists(file) ? "it is no file" : "there is no such file"));
        }
        try (InputStream in = Files.newInputStream(file)) {
            return read(in, file.toString());
        } catch (IOException e) {
            throw new LuthierException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    /**
     * Reads a stream to its end.
     *
     * @param in not closed
     * @return the notes by start, then pitch; seconds
     * @throws LuthierException if it is no sound MIDI file
     */
    public static List<Note> read(InputStream in) {
        try {
            return read(in, "the stream");
        } catch (IOException e) {
            throw new LuthierException("cannot read MIDI: " + e.getMessage(), e);
        }
    }

    private static List<Note> read(InputStream in, String name) throws IOException {
        byte[] bytes = in.readNBytes(MOST_BYTES + 1);
        checkChunks(bytes, name);
        try {
            return new Playing().notes(JavaSound.read(new ByteArrayInputStream(bytes)));
        } catch (InvalidMidiDataException | IOException | RuntimeException e) {
            // The JDK's parser lets exceptions of its own escape on damaged data.
            throw new LuthierException("cannot read " + name + ": damaged MIDI data (" + e.getMessage() + ")", e);
        }
    }

    /** What the JDK's parser would trust: lengths it allocates, and a resolution it divides by. */
    private static void checkChunks(byte[] bytes, String name) {
        if (bytes.length > MOST_BYTES) {
            throw new LuthierException(
                    "cannot read " + name + ": more than " + MOST_BYTES + " bytes; no MIDI file to score is so large");
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        if (bytes.length < 14 || buffer.getInt() != HEADER) {
            throw new LuthierException(
                    "cannot read " + name + ": expected a MIDI file, which begins with MThd and has at least 14 bytes");
        }
        long headerLength = Integer.toUnsignedLong(buffer.getInt());
        buffer.getShort();
        int tracks = Short.toUnsignedInt(buffer.getShort());
        if (buffer.getShort() == 0) {
            throw new LuthierException("cannot read " + name + ": it says 0 ticks a quarter");
        }
        long at = 8 + headerLength;
        while (tracks > 0) {
            if (headerLength < 6 || at + 8 > bytes.length) {
                throw new LuthierException("cannot read " + name + ": it ends at byte " + bytes.length + " with "
                        + tracks + " tracks missing");
            }
            int type = buffer.getInt((int) at);
            long end = at + 8 + Integer.toUnsignedLong(buffer.getInt((int) at + 4));
            if (end > bytes.length) {
                throw new LuthierException("cannot read " + name + ": the chunk at byte " + at + " should end at byte "
                        + end + ", but the file ends at " + bytes.length);
            }
            tracks -= type == TRACK ? 1 : 0;
            at = end;
        }
    }

    /** The state of a file that is played through. */
    private static final class Playing {
        private record Sounding(double start, int velocity) {}

        private final int[] programs = new int[16];
        /** By channel * 128 + pitch, the first to start first. */
        private final Map<Integer, Deque<Sounding>> sounding = new HashMap<>();

        private final List<Note> notes = new ArrayList<>();

        List<Note> notes(Sequence sequence) throws InvalidMidiDataException {
            List<MidiEvent> events = new ArrayList<>();
            for (Track track : sequence.getTracks()) {
                for (int i = 0; i < track.size(); i++) {
                    events.add(track.get(i));
                }
            }
            events.sort(Comparator.comparingLong(MidiEvent::getTick));
            boolean quarters = sequence.getDivisionType() == Sequence.PPQ;
            double secondsPerTick = quarters
                    ? 500_000 * 1e-6 / sequence.getResolution()
                    : 1 / ((double) sequence.getDivisionType() * sequence.getResolution());
            double seconds = 0;
            long tick = 0;
            for (MidiEvent event : events) {
                if (event.getTick() < tick) {
                    throw new InvalidMidiDataException("a time before the beginning");
                }
                seconds += (event.getTick() - tick) * secondsPerTick;
                tick = event.getTick();
                MidiMessage message = event.getMessage();
                if (message instanceof ShortMessage shortMessage) {
                    play(shortMessage, seconds);
                } else if (quarters && message instanceof MetaMessage meta && meta.getType() == META_TEMPO) {
                    secondsPerTick = microsPerQuarter(meta.getData()) * 1e-6 / sequence.getResolution();
                }
            }
            notes.sort(Comparator.comparingDouble(Note::start).thenComparingInt(Note::pitch));
            return notes;
        }

        private static int microsPerQuarter(byte[] data) throws InvalidMidiDataException {
            if (data.length != 3) {
                throw new InvalidMidiDataException("a tempo of " + data.length + " bytes, not 3");
            }
            return (data[0] & 0xFF) << 16 | (data[1] & 0xFF) << 8 | data[2] & 0xFF;
        }

        private void play(ShortMessage message, double seconds) throws InvalidMidiDataException {
            int channel = message.getChannel();
            int data = message.getData1();
            switch (message.getCommand()) {
                case ShortMessage.PROGRAM_CHANGE -> programs[channel] = dataByte(data);
                case ShortMessage.NOTE_ON, ShortMessage.NOTE_OFF -> {
                    int velocity = dataByte(message.getData2());
                    if (message.getCommand() == ShortMessage.NOTE_ON && velocity > 0) {
                        sounding.computeIfAbsent(channel * 128 + dataByte(data), key -> new ArrayDeque<>())
                                .add(new Sounding(seconds, velocity));
                    } else {
                        end(channel, dataByte(data), seconds);
                    }
                }
                default -> {} // Controllers and wheels make no notes.
            }
        }

        private void end(int channel, int pitch, double seconds) {
            Deque<Sounding> started = sounding.get(channel * 128 + pitch);
            if (started != null && !started.isEmpty()) {
                Sounding first = started.remove();
                boolean drum = channel == DRUMS;
                notes.add(Note.of(first.start(), seconds, pitch, first.velocity(), drum ? 0 : programs[channel], drum));
            }
        }

        private static int dataByte(int value) throws InvalidMidiDataException {
            if (value > 127) {
                throw new InvalidMidiDataException("a data byte of " + value);
            }
            return value;
        }
    }
}
