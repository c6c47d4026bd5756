package org.luthier.assembler.yourmt3;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Transcription;
import org.luthier.api.notes.TranscriptionWriter;
import org.osgi.service.component.annotations.Component;

/**
 * Writes notes as YourMT3+'s reference does, message by message: format 1, 480 ticks a quarter, no tempo (which means 120 quarters a
 * minute), an empty first track, then one for each class of programs, drums last.
 *
 * <p>Of each class one program is kept, see {@link OutputProgram}; velocities, bends and the ends of drums are not. The first fifteen
 * classes have channels of their own, drums have channel 10 (9 from 0), all others share channel 16. Unlike the writer {@code midi} it
 * writes no provenance, since the reference has none: the notes file tells it.
 */
@Component
public final class YourMt3MidiWriter implements TranscriptionWriter {
    private static final int TICKS_PER_QUARTER = 480;
    private static final double SECONDS_PER_TICK = 500000 * 1e-6 / TICKS_PER_QUARTER;
    /** The largest number a variable-length quantity holds. */
    private static final int LAST_TICK = 0x0FFFFFFF;

    private static final int DRUM_CHANNEL = 9;
    private static final int LAST_CHANNEL = 15;

    private static final int NOTE_OFF = 0x80;
    private static final int NOTE_ON = 0x90;
    private static final int PROGRAM_CHANGE = 0xC0;
    private static final int META = 0xFF;
    private static final int TRACK_NAME = 0x03;
    private static final int END_OF_TRACK = 0x2F;

    @Override
    public String id() {
        return "yourmt3-midi";
    }

    @Override
    public String description() {
        return "The MIDI file that YourMT3+'s reference writes, without provenance.";
    }

    @Override
    public void write(Transcription transcription, OutputStream out) throws IOException {
        Map<OutputProgram, List<NoteEvent>> tracks = tracks(transcription.notes());
        DataOutputStream file = new DataOutputStream(out);
        file.writeBytes("MThd");
        file.writeInt(6);
        file.writeShort(1);
        file.writeShort(1 + tracks.size());
        file.writeShort(TICKS_PER_QUARTER);
        new Track().end(file);
        int channel = 0;
        for (Map.Entry<OutputProgram, List<NoteEvent>> track : tracks.entrySet()) {
            boolean drums = track.getKey().equals(OutputProgram.DRUMS);
            write(track.getKey(), track.getValue(), drums ? DRUM_CHANNEL : channel, file);
            channel = Math.min(LAST_CHANNEL, channel + (channel + 1 == DRUM_CHANNEL ? 2 : 1));
        }
        file.flush();
    }

    /** Starts and ends by program, in order. */
    private static Map<OutputProgram, List<NoteEvent>> tracks(List<Note> notes) {
        Map<OutputProgram, List<NoteEvent>> tracks = new TreeMap<>(Comparator.comparingInt(OutputProgram::number));
        for (Note note : notes) {
            OutputProgram output = note.drum() ? OutputProgram.DRUMS : OutputProgram.of(note.program());
            List<NoteEvent> events = tracks.computeIfAbsent(output, key -> new ArrayList<>());
            double end = note.drum() ? note.start() + NoteRules.SHORTEST : note.end();
            events.add(new NoteEvent(note.start(), note.drum(), output.number(), 1, note.pitch()));
            events.add(new NoteEvent(end, note.drum(), output.number(), 0, note.pitch()));
        }
        tracks.values().forEach(events -> events.sort(NoteEvent.BY_PROGRAM));
        return tracks;
    }

    private static void write(OutputProgram output, List<NoteEvent> events, int channel, DataOutputStream file)
            throws IOException {
        Track track = new Track();
        byte[] name = output.name().getBytes(StandardCharsets.US_ASCII);
        track.meta(TRACK_NAME, name);
        track.message(0, PROGRAM_CHANGE | channel, output.sound());
        for (NoteEvent event : events) {
            track.message(
                    tick(event.time()),
                    (event.velocity() > 0 ? NOTE_ON : NOTE_OFF) | channel,
                    event.pitch(),
                    event.velocity() > 0 ? NoteRules.VELOCITY : 0);
        }
        track.end(file);
    }

    private static int tick(double seconds) {
        double tick = Math.rint(seconds / SECONDS_PER_TICK);
        if (!(tick >= 0 && tick < LAST_TICK)) {
            throw new LuthierException("cannot write a note at " + seconds + " s: a MIDI file of "
                    + "YourMT3+ goes from 0 to " + (long) (LAST_TICK * SECONDS_PER_TICK)
                    + " s; use the writer midi with a lower --tempo");
        }
        return (int) tick;
    }

    /** The bytes of one track; a status that is that of the message before is not written again. */
    private static final class Track {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private int now;
        private int status;

        void meta(int type, byte... data) {
            number(0);
            bytes.write(META);
            bytes.write(type);
            number(data.length);
            bytes.writeBytes(data);
            status = META;
        }

        void message(int tick, int newStatus, int... data) {
            number(tick - now);
            now = tick;
            if (newStatus != status) {
                bytes.write(newStatus);
                status = newStatus;
            }
            for (int one : data) {
                bytes.write(one);
            }
        }

        void end(DataOutputStream file) throws IOException {
            meta(END_OF_TRACK);
            file.writeBytes("MTrk");
            file.writeInt(bytes.size());
            bytes.writeTo(file);
        }

        /** Seven bits a byte, the most significant first. */
        private void number(int value) {
            for (int shift = 21; shift > 0; shift -= 7) {
                if (value >> shift != 0) {
                    bytes.write(value >> shift & 0x7F | 0x80);
                }
            }
            bytes.write(value & 0x7F);
        }
    }
}
