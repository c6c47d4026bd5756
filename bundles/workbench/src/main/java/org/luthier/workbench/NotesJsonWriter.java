package org.luthier.workbench;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Provenance;
import org.luthier.api.notes.Timing;
import org.luthier.api.notes.Transcription;
import org.luthier.api.notes.TranscriptionWriter;
import org.luthier.api.plugin.PartVersion;
import org.luthier.api.tokens.SegmentTokens;
import org.osgi.service.component.annotations.Component;

/**
 * Notes, provenance and timing as one JSON object, a note a line. Seconds are numbers; {@code timing} is all that differs from run to
 * run; what a model does not have (amplitude, bends, segments) is left out.
 */
@Component(service = TranscriptionWriter.class)
public final class NotesJsonWriter implements TranscriptionWriter {
    /** Id of this writer. */
    public static final String ID = "json";

    private final JsonFactory json =
            JsonFactory.builder().disable(StreamWriteFeature.AUTO_CLOSE_TARGET).build();

    @Override
    public String id() {
        return ID;
    }

    @Override
    public String description() {
        return "Notes, provenance and timing as JSON";
    }

    @Override
    public void write(Transcription transcription, OutputStream out) throws IOException {
        try (JsonGenerator generator = json.createGenerator(out, JsonEncoding.UTF8)) {
            generator.writeStartObject();
            generator.writeStringField(
                    "audio", transcription.provenance().audio().file());
            generator.writeNumberField("duration", transcription.duration());
            line(generator, "provenance");
            write(generator, transcription.provenance());
            line(generator, "notes");
            generator.writeStartArray();
            for (Note note : transcription.notes()) {
                write(generator, note);
            }
            generator.writeEndArray();
            if (!transcription.segments().isEmpty()) {
                line(generator, "segments");
                generator.writeStartArray();
                for (SegmentTokens segment : transcription.segments()) {
                    write(generator, segment);
                }
                generator.writeEndArray();
            }
            generator.writeNumberField("invalid", transcription.invalid());
            generator.writeNumberField("dropped", transcription.dropped());
            line(generator, "timing");
            write(generator, transcription.timing());
            generator.writeEndObject();
            generator.writeRaw('\n');
        }
    }

    private static void line(JsonGenerator generator, String field) throws IOException {
        generator.writeRaw('\n');
        generator.writeFieldName(field);
    }

    private static void write(JsonGenerator generator, Provenance provenance) throws IOException {
        generator.writeStartObject();
        generator.writeStringField("luthier", provenance.luthier());
        write(generator, "model", provenance.model());
        generator.writeStringField("checkpoint", provenance.checkpoint());
        write(generator, "tokenizer", provenance.tokenizer());
        write(generator, "decoder", provenance.decoder());
        write(generator, "assembler", provenance.assembler());
        generator.writeStringField("backend", provenance.backend());
        generator.writeStringField("kernels", provenance.kernels());
        generator.writeObjectFieldStart("parameters");
        for (Map.Entry<String, Object> parameter : provenance.parameters().entrySet()) {
            generator.writeObjectField(parameter.getKey(), parameter.getValue());
        }
        generator.writeEndObject();
        AudioFacts audio = provenance.audio();
        generator.writeObjectFieldStart("audio");
        generator.writeStringField("file", audio.file());
        generator.writeStringField("format", audio.format());
        generator.writeNumberField("sampleRate", audio.sampleRate());
        generator.writeNumberField("channels", audio.channels());
        generator.writeNumberField("frames", audio.frames());
        generator.writeNumberField("peak", audio.peak());
        generator.writeNumberField("clipped", audio.clipped());
        generator.writeNumberField("replaced", audio.replaced());
        generator.writeBooleanField("silent", audio.silent());
        generator.writeEndObject();
        generator.writeArrayFieldStart("remarks");
        for (String remark : provenance.remarks()) {
            generator.writeString(remark);
        }
        generator.writeEndArray();
        generator.writeArrayFieldStart("warnings");
        for (String warning : provenance.warnings()) {
            generator.writeString(warning);
        }
        generator.writeEndArray();
        generator.writeEndObject();
    }

    private static void write(JsonGenerator generator, String field, PartVersion part) throws IOException {
        if (part == null) {
            generator.writeNullField(field);
            return;
        }
        generator.writeObjectFieldStart(field);
        generator.writeStringField("id", part.id());
        generator.writeStringField("version", part.version());
        generator.writeEndObject();
    }

    private static void write(JsonGenerator generator, Note note) throws IOException {
        generator.writeRaw('\n');
        generator.writeStartObject();
        generator.writeNumberField("start", note.start());
        generator.writeNumberField("end", note.end());
        generator.writeNumberField("pitch", note.pitch());
        generator.writeNumberField("velocity", note.velocity());
        generator.writeNumberField("program", note.program());
        generator.writeBooleanField("drum", note.drum());
        if (!Double.isNaN(note.amplitude())) {
            generator.writeNumberField("amplitude", note.amplitude());
        }
        if (note.bends() != null) {
            generator.writeFieldName("bends");
            write(generator, note.bends());
        }
        generator.writeEndObject();
    }

    /** One channel is written as tokens, several as channels. */
    private static void write(JsonGenerator generator, SegmentTokens segment) throws IOException {
        generator.writeRaw('\n');
        generator.writeStartObject();
        generator.writeNumberField("start", segment.start());
        List<IntList> channels = segment.channels();
        if (channels.size() == 1) {
            generator.writeFieldName("tokens");
            write(generator, channels.get(0));
        } else {
            generator.writeArrayFieldStart("channels");
            for (IntList channel : channels) {
                write(generator, channel);
            }
            generator.writeEndArray();
        }
        generator.writeEndObject();
    }

    private static void write(JsonGenerator generator, IntList numbers) throws IOException {
        int[] values = numbers.toArray();
        generator.writeArray(values, 0, values.length);
    }

    private static void write(JsonGenerator generator, Timing timing) throws IOException {
        generator.writeStartObject();
        generator.writeNumberField("load", timing.load());
        generator.writeNumberField("frontend", timing.frontend());
        generator.writeNumberField("encoder", timing.encoder());
        generator.writeNumberField("decoder", timing.decoder());
        generator.writeNumberField("notes", timing.notes());
        generator.writeNumberField("total", timing.total());
        generator.writeEndObject();
    }
}
