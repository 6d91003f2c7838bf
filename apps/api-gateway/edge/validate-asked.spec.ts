import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { ReadDto } from './paging.dto.ts';
import { Tenant } from './request.ts';
import { validateAsked } from './validate-asked.ts';
import { ValidationPipe } from './validation.pipe.ts';

@Controller('v1/things')
class Things {
  @Get(':name')
  one(@Tenant() _tenant: unknown, @Param('name') _name: string, @Query() _query: ReadDto): void {}

  @Post()
  make(@Body() _body: ReadDto, @Query() _query: ReadDto): void {}
}

/** What each parameter of a handler passes through, in their order. */
const pipesOf = (method: keyof Things): unknown[] => {
  const takes = Reflect.getMetadata(ROUTE_ARGS_METADATA, Things, method) as Record<string, { index: number; pipes: unknown[] }>;
  return Object.values(takes).sort((a, b) => a.index - b.index).map(({ pipes }) => pipes);
};

describe('validating what is asked', () => {
  it('stands once before every body and every query, and before nothing else, however many gateways there are', () => {
    for (const _ of [1, 2]) validateAsked([Things]);
    expect(pipesOf('one')).toEqual([[], [], [ValidationPipe]]);
    expect(pipesOf('make')).toEqual([[ValidationPipe], [ValidationPipe]]);
  });
});
