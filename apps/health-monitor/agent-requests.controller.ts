import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern, NatsContext, Payload } from '@nestjs/microservices';
import { subjects, type ObservationBatch, type ObservationReply, type RegisterReply, type RegisterRequest, type Report, type ReportReply, type VolumeReport } from '#contracts';
import { HealthMonitor } from './health-monitor.ts';
import { nodeOfSubject } from './ports.ts';

/** What agents ask of the monitors, over NATS: one of the queue group answers. */
@Controller()
export class AgentRequestsController {
  constructor(private readonly monitor: HealthMonitor) {}

  @MessagePattern(subjects.register('*'))
  register(@Payload() request: RegisterRequest, @Ctx() context: NatsContext): Promise<RegisterReply> {
    return this.monitor.register(nodeOfSubject(context.getSubject()), request);
  }

  @MessagePattern(subjects.observations('*'))
  observations(@Payload() batch: ObservationBatch, @Ctx() context: NatsContext): Promise<ObservationReply> {
    return this.monitor.takeObservations(nodeOfSubject(context.getSubject()), batch);
  }

  @MessagePattern(subjects.report('*'))
  report(@Payload() report: Report, @Ctx() context: NatsContext): Promise<ReportReply> {
    return this.monitor.takeReport(nodeOfSubject(context.getSubject()), report);
  }

  @MessagePattern(subjects.volumes('*'))
  volumes(@Payload() report: VolumeReport, @Ctx() context: NatsContext): Promise<ReportReply> {
    return this.monitor.takeVolumes(nodeOfSubject(context.getSubject()), report);
  }
}
