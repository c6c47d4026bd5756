package org.luthier.midi;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.sound.midi.InvalidMidiDataException;
import javax.sound.midi.MidiSystem;
import javax.sound.midi.Sequence;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Provenance;
import org.luthier.api.notes.Timing;
import org.luthier.api.notes.Transcription;
import org.luthier.api.plugin.PartVersion;
import org.luthier.api.plugin.Settings;

/** Transcriptions for tests. */
final class Transcriptions {
    private Transcriptions() {}

    static Transcription of(List<Note> notes) {
        Map<String, Object> parameters = new LinkedHashMap<>();
        parameters.put("onset-threshold", 0.5);
        parameters.put("min-hz", null);
        Provenance provenance = new Provenance(
                "0.1.0",
                new PartVersion("basic-pitch", "0.1.0"),
                "abc123",
                null,
                null,
                new PartVersion("basic-pitch-notes", "0.1.0"),
                "cpu",
                "cpu",
                parameters,
                new AudioFacts("söng\n1.wav", "wav/pcm_s16le", 44100, 2, 441000, 0.5, 0, 0, false, List.of()),
                List.of(),
                List.of("quiet input"));
        return new Transcription(10, notes, List.of(), 0, 0, provenance, "midi", new Timing(0, 0, 0, 0, 0, 0));
    }

    static byte[] write(List<Note> notes, Map<String, String> settings) {
        MidiWriter writer = new MidiWriter();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            writer.write(of(notes), Settings.of(writer, settings), out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    static Sequence sequence(List<Note> notes, Map<String, String> settings) {
        try {
            return MidiSystem.getSequence(new ByteArrayInputStream(write(notes, settings)));
        } catch (InvalidMidiDataException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    static List<Note> roundTrip(List<Note> notes, Map<String, String> settings) {
        return MidiReader.read(new ByteArrayInputStream(write(notes, settings)));
    }
}
