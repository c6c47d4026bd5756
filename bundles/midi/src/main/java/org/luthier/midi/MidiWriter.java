package org.luthier.midi;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.sound.midi.InvalidMidiDataException;
import javax.sound.midi.MetaMessage;
import javax.sound.midi.MidiEvent;
import javax.sound.midi.MidiMessage;
import javax.sound.midi.Sequence;
import javax.sound.midi.ShortMessage;
import javax.sound.midi.Track;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Transcription;
import org.luthier.api.notes.TranscriptionWriter;
import org.luthier.api.plugin.Parameter;
import org.luthier.api.plugin.Settings;
import org.osgi.service.component.annotations.Component;

/**
 * Writes notes as a standard MIDI file: format 1, 220 ticks a quarter, one tempo, the provenance as text events of the first track, then
 * one track for each program and one for drums.
 *
 * <p>Channels: each program has its own, drums have channel 10 (9 from 0). With more than 15 programs channels are shared in time, a
 * program change coming before the note that needs it; a foreign program can only be heard where more than 15 programs sound at once.
 *
 * <p>Pitch bends become pitch wheel events, two semitones being the full range; they are evenly spaced from the start to the end of a
 * note. A channel has one wheel, so a note that overlaps another on its channel loses its bends, unless {@code multiple-pitch-bends}
 * gives every pitch a channel of its own.
 *
 * <p>NOTE: the reference never resets the wheel, so that a note without bends sounds with the last bend of the one before. Here the wheel
 * goes back to 0 at the end of a note that left it elsewhere.
 *
 * <p>A note lasts at least one tick and begins at 0 or later; its velocity is brought into 1..127, 0 being silence. Notes of one pitch
 * that overlap on one channel are read back in the order of MIDI: the first to start is the first to end.
 */
@Component
public final class MidiWriter implements TranscriptionWriter {
    private static final int TICKS_PER_QUARTER = 220;
    /** The largest number a variable-length quantity holds. */
    private static final long LAST_TICK = 0x0FFFFFFF;

    private static final int META_TEXT = 0x01;
    private static final int META_TEMPO = 0x51;
    private static final int META_TIME_SIGNATURE = 0x58;
    private static final byte[] FOUR_FOUR = {4, 2, 24, 8};

    private static final int WHEEL_CENTRE = 8192;
    /** A third of a semitone, of two semitones that make half the wheel's range. */
    private static final double WHEEL_PER_BEND = 4096 / 3.0;

    @Override
    public String id() {
        return "midi";
    }

    @Override
    public String description() {
        return "Standard MIDI file, format 1, with pitch bends and the provenance as text events.";
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(
                Parameter.number("tempo", 120.0, 4, 1000, "quarters a minute", "Tempo that the MIDI file states."),
                Parameter.flag(
                        "multiple-pitch-bends",
                        false,
                        "Give each pitch a channel, so that overlapping notes keep their bends."),
                Parameter.integer(
                        "program", null, 0, 127, "", "MIDI program for every note but drums, in place of its own."));
    }

    @Override
    public void write(Transcription transcription, OutputStream out) throws IOException {
        write(transcription, Settings.defaults(this), out);
    }

    @Override
    public void write(Transcription transcription, Settings settings, OutputStream out) throws IOException {
        try {
            JavaSound.write(new Writing(settings).sequence(transcription), out);
        } catch (InvalidMidiDataException e) {
            throw new LuthierException("cannot write MIDI: " + e.getMessage(), e);
        }
    }

    /** A note where it stands in the file. */
    private record Placed(Note note, int program, int channel, long start, long end) {}

    /** An event of a track; at one tick programs come first, then wheels, then notes by pitch, their ends before their starts. */
    private record Timed(long tick, int rank, int pitch, int velocity, MidiMessage message) {
        private static final int PROGRAM = 0;
        private static final int WHEEL = 1;
        private static final int NOTE = 2;
        private static final Comparator<Timed> ORDER = Comparator.comparingLong(Timed::tick)
                .thenComparingInt(Timed::rank)
                .thenComparingInt(Timed::pitch)
                .thenComparingInt(Timed::velocity);
    }

    /** The state of one file. */
    private static final class Writing {
        private final int microsPerQuarter;
        private final double ticksPerSecond;
        private final boolean channelPerPitch;
        private final Integer program;
        /** By program, drums under -1, in order of their first note. */
        private final Map<Integer, List<Timed>> tracks = new LinkedHashMap<>();

        Writing(Settings settings) {
            microsPerQuarter = (int) Math.rint(60e6 / settings.number("tempo"));
            ticksPerSecond = TICKS_PER_QUARTER * 1e6 / microsPerQuarter;
            channelPerPitch = settings.flag("multiple-pitch-bends");
            program = settings.isSet("program") ? settings.integer("program") : null;
        }

        Sequence sequence(Transcription transcription) throws InvalidMidiDataException {
            Sequence sequence = new Sequence(Sequence.PPQ, TICKS_PER_QUARTER);
            Track first = sequence.createTrack();
            first.add(new MidiEvent(
                    meta(META_TEMPO, new byte[] {
                        (byte) (microsPerQuarter >> 16), (byte) (microsPerQuarter >> 8), (byte) microsPerQuarter
                    }),
                    0));
            first.add(new MidiEvent(meta(META_TIME_SIGNATURE, FOUR_FOUR), 0));
            for (String line : ProvenanceText.lines(transcription.provenance())) {
                first.add(new MidiEvent(meta(META_TEXT, line.getBytes(StandardCharsets.UTF_8)), 0));
            }
            List<Placed> notes = place(transcription.notes());
            addPrograms(notes);
            addNotes(notes);
            addWheels(notes);
            for (List<Timed> events : tracks.values()) {
                events.sort(Timed.ORDER);
                Track track = sequence.createTrack();
                for (Timed event : events) {
                    track.add(new MidiEvent(event.message(), event.tick()));
                }
            }
            return sequence;
        }

        private List<Placed> place(List<Note> notes) {
            List<Note> sorted = new ArrayList<>(notes);
            sorted.sort(Comparator.comparingDouble(Note::start)
                    .thenComparingDouble(Note::end)
                    .thenComparingInt(Note::pitch)
                    .thenComparingDouble(Note::amplitude));
            Channels channels = new Channels();
            List<Placed> placed = new ArrayList<>(sorted.size());
            for (Note note : sorted) {
                long start = tick(note.start());
                long end = Math.max(tick(note.end()), start + 1);
                if (note.drum()) {
                    placed.add(new Placed(note, 0, Channels.DRUMS, start, end));
                } else {
                    int own = program == null ? note.program() : program;
                    Channels.Voice voice =
                            new Channels.Voice(own, channelPerPitch ? note.pitch() : Channels.Voice.ANY_PITCH);
                    placed.add(new Placed(note, own, channels.channelFor(voice, end), start, end));
                }
            }
            return placed;
        }

        private void addPrograms(List<Placed> notes) throws InvalidMidiDataException {
            int[] current = new int[16];
            Arrays.fill(current, -1);
            for (Placed note : notes) {
                int before = current[note.channel()];
                if (before != note.program()) {
                    current[note.channel()] = note.program();
                    add(
                            note,
                            before < 0 ? 0 : note.start(),
                            Timed.PROGRAM,
                            new ShortMessage(ShortMessage.PROGRAM_CHANGE, note.channel(), note.program(), 0));
                }
            }
        }

        private void addNotes(List<Placed> notes) throws InvalidMidiDataException {
            for (Placed note : notes) {
                int pitch = note.note().pitch();
                int velocity = Math.max(1, Math.min(127, note.note().velocity()));
                addNote(note, note.start(), pitch, velocity);
                addNote(note, note.end(), pitch, 0);
            }
        }

        private void addNote(Placed note, long tick, int pitch, int velocity) throws InvalidMidiDataException {
            track(note)
                    .add(new Timed(
                            tick,
                            Timed.NOTE,
                            pitch,
                            velocity,
                            new ShortMessage(ShortMessage.NOTE_ON, note.channel(), pitch, velocity)));
        }

        private void addWheels(List<Placed> notes) throws InvalidMidiDataException {
            List<List<Placed>> byChannel = new ArrayList<>();
            for (int channel = 0; channel < 16; channel++) {
                byChannel.add(new ArrayList<>());
            }
            notes.forEach(note -> byChannel.get(note.channel()).add(note));
            for (List<Placed> channel : byChannel) {
                double soundsUntil = Double.NEGATIVE_INFINITY;
                for (int i = 0; i < channel.size(); i++) {
                    Note note = channel.get(i).note();
                    boolean alone = soundsUntil <= note.start()
                            && (i + 1 == channel.size()
                                    || channel.get(i + 1).note().start() >= note.end());
                    if (alone && note.bends() != null) {
                        addWheels(channel.get(i), note.bends());
                    }
                    soundsUntil = Math.max(soundsUntil, note.end());
                }
            }
        }

        private void addWheels(Placed placed, IntList bends) throws InvalidMidiDataException {
            Note note = placed.note();
            int value = 0;
            for (int i = 0; i < bends.size(); i++) {
                double seconds = i == 0
                        ? note.start()
                        : i == bends.size() - 1
                                ? note.end()
                                : note.start() + i * ((note.end() - note.start()) / (bends.size() - 1));
                value = (int)
                        Math.max(-WHEEL_CENTRE, Math.min(WHEEL_CENTRE - 1, Math.rint(bends.get(i) * WHEEL_PER_BEND)));
                addWheel(placed, tick(seconds), value);
            }
            if (value != 0) {
                addWheel(placed, placed.end(), 0);
            }
        }

        private void addWheel(Placed note, long tick, int value) throws InvalidMidiDataException {
            int unsigned = value + WHEEL_CENTRE;
            add(
                    note,
                    tick,
                    Timed.WHEEL,
                    new ShortMessage(ShortMessage.PITCH_BEND, note.channel(), unsigned & 0x7F, unsigned >> 7));
        }

        private void add(Placed note, long tick, int rank, MidiMessage message) {
            track(note).add(new Timed(tick, rank, 0, 0, message));
        }

        private List<Timed> track(Placed note) {
            return tracks.computeIfAbsent(note.note().drum() ? -1 : note.program(), key -> new ArrayList<>());
        }

        private long tick(double seconds) {
            double tick = Math.rint(Math.max(0, seconds) * ticksPerSecond);
            if (!(tick < LAST_TICK)) {
                throw new LuthierException(
                        "cannot write a note at " + seconds + " s: at this tempo a MIDI file ends at "
                                + (long) (LAST_TICK / ticksPerSecond) + " s; lower --tempo");
            }
            return (long) tick;
        }

        private static MetaMessage meta(int type, byte[] data) throws InvalidMidiDataException {
            return new MetaMessage(type, data, data.length);
        }
    }
}
